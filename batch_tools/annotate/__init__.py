"""Says what variants do to genes, and what ClinVar knows of them."""
