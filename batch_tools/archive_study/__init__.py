"""A study's objects, streamed to a tar in Deep Archive and back."""
