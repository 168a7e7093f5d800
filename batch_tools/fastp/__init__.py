"""Read trimming with fastp, one lane at a time."""
