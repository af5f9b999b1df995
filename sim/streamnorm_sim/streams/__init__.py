"""What travels: beats, traffic, stalls, and what was seen of them."""
