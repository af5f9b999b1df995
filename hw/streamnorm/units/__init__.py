"""The datapath's blocks, one a file, in the order data meets them: ingest, row buffer, moments, statistic, apply."""
