"""What came out: compared with the golden model, measured in cycles and in output LSB."""
