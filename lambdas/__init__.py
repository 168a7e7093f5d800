"""Functions that plan, route and record: one folder per stage, one handler per module."""
