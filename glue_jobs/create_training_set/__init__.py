"""A release of ClinVar to a training set: labelled variants with consequences and features."""
