"""How fast the run tracker lists a HiSeq X run of 1.4 million files."""
