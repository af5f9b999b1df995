"""Methods that find a digit in each step, with additions and shifts only."""
