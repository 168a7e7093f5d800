"""One file per command: its options, and a few lines that call plain functions."""
