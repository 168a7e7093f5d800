"""A dataset of the lake as a VCF again. docs/data-model.md says what such a VCF cannot have."""
