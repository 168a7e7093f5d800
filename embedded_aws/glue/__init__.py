"""Glue: jobs under Spark, triggers and workflows, crawlers."""
