"""How well conflicting classifications are predicted, beside what others have published for the same table."""
