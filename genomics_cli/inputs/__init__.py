"""Everything about a run's input that can be found out before a tool starts."""
