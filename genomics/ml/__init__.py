"""Learning from annotated variants: features, splits, backends, evaluation, models that are kept, and their cards."""
