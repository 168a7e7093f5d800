"""What a run will take, before it runs: seconds from history, dollars from a price table."""
