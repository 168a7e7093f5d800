"""EventBridge and its Scheduler: what is told to whom, and when."""
