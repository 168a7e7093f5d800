"""How deep a sample's alignments cover the reference."""
