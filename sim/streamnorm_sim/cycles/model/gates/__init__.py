"""What the issue of a beat, or ready for a row, waits for besides: other queues, and streams beside the rows."""
