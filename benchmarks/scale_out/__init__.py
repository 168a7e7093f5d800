"""Loads on a Spark cluster of several processes: the same tables, and what more splits are worth."""
