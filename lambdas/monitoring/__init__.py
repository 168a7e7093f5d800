"""Stage monitoring: what jobs and executions came to, for CloudWatch and the ledger."""
