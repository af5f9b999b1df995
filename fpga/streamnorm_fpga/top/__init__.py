"""The board top level: the unit between a serial link, memories for rows and results, counters and a self-test."""
