"""From a bitstream to a board."""
