"""Learning a yes or no from any table: candidates of several algorithms, fitted, scored, kept and asked again."""
