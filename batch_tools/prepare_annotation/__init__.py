"""The tool that prepares what variants are annotated with."""
