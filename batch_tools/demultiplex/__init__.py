"""Reads by sample, from a lane's base calls."""
