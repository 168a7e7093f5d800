"""What every other part of the platform shares: contracts at its boundaries and the model library."""
