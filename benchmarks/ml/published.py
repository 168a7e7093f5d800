"""What others report for the whole table (65,188 rows), of which the one here has 80 % of the genes; random splits."""

PUBLISHED = (
    ("hannahyu-source/genetic-variant-classifications, XGBoost", {"roc_auc": 0.791, "f1": 0.564}),
    ("the same, random forest", {"roc_auc": 0.786}),
    (
        "PraavinyaJ/clinvar-variant-classification, random forest",
        {"roc_auc": 0.775, "pr_auc": 0.496, "balanced_accuracy": 0.638},
    ),
    ("frostace/BinaryClassification, random forest", {"roc_auc": 0.747}),
    ("nkinnaird, random forest", {"roc_auc": 0.73}),
    ("the first, logistic regression", {"roc_auc": 0.696}),
    ("unstoppablegiggle/ClinVarPredictionModel, stack", {"f1": 0.565, "balanced_accuracy": 0.723}),
)  # fmt: skip
