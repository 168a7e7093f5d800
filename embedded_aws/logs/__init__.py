"""CloudWatch Logs: streams that fill while processes run, and who listens."""
