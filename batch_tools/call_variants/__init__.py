"""Variant calling in one region."""
