"""A reference genome, checked and indexed for the tools that read it."""
