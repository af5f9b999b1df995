"""From a configuration and a board to a bitstream."""
