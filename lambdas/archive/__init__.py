"""Archiving studies and bringing them back. README.md says what passes between the states."""
