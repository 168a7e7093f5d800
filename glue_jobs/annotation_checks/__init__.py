"""Checks releases of annotations that were loaded, and tells how they came through."""
