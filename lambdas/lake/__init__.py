"""Loading called variants into the lake. README.md says what passes between the states."""
