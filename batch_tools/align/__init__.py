"""Alignment of a sample's lanes, sorted and with duplicates marked."""
