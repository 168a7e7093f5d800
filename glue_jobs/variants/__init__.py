"""VCF to the tables `variants`, `genotypes` and `rejects`."""
