"""What a person types: click commands of a few lines over plain functions."""
