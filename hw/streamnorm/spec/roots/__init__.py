"""Methods for the reciprocal square root."""
