"""Norms, each a description that plan, hardware and golden model read."""
