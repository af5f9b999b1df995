"""Methods that look up a polynomial and evaluate it."""
