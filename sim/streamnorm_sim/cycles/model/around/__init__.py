"""What stands before and behind a unit that normalizes."""
