"""Secondary analysis, from the inbox to the results of every sample. README.md says what passes between the states."""
