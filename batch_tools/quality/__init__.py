"""A sample's quality: alignment statistics, and one report of all that its tools have counted."""
