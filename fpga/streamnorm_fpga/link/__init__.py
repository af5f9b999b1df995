"""The serial link between host and board: its words, its frames, and the hardware at the board's end."""
