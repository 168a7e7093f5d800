"""The end of a transfer: did everything arrive? README.md says what passes between the functions."""
