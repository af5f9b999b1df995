"""The host's end of the link: a board's serial port, requests that survive a bad line, rows and their check."""
