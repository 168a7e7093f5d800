"""A sequencing run whose truth is known: genome, variants, reads and truth VCFs, the same bytes for the same seed."""
