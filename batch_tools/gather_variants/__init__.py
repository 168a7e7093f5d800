"""A sample's regions, gathered to one normalised and filtered VCF."""
