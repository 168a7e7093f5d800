"""What the embedded AWS costs."""
