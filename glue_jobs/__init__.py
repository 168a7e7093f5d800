"""Spark jobs of the lake. Each is a folder: options.py (its arguments), transform.py (what it does), job.py (the script)."""
