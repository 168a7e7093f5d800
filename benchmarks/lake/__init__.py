"""VCF to Parquet: our reader and job beside bcftools and the libraries that do the same, in one run."""
