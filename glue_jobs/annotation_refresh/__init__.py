"""Finds out which release of ClinVar there is, and asks for it to be loaded."""
