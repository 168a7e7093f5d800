"""Reads VCF and BCF as typed rows, any part of a file by itself. `reader` is the way in."""
