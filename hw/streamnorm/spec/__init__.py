"""What is asked: the configuration, and the norms, formats, roots and targets it may name."""
