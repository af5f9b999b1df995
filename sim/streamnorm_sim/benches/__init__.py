"""What runs inside a simulator that cocotb drives, and what starts it."""
