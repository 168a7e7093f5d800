"""What every tool's container shares: stage in, gate on finished outputs, run, verify, promote, record."""
