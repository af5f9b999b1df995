"""Units whose rows wait for their statistic in a buffer."""
