"""Releases of annotations into the lake: ClinVar's VCF and summary, and any TSV whose columns are declared."""
