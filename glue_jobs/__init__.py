"""Spark jobs of the lake, a folder each: options.py (arguments), transform.py (what it does), job.py (the script)."""
