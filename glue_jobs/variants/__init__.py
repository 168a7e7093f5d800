"""VCF to the tables `variants`, `genotypes`, `consequences` and `rejects`."""
