"""The tools that run in containers on AWS Batch: a folder each, all of the same shape."""
