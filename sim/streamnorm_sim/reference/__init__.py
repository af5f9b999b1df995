"""What must come out: the exact result, the golden model, and rows to try them on."""
