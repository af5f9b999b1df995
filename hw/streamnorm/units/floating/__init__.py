"""The blocks of units for floating point that differ from those for integers."""
