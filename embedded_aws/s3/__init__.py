"""S3: objects, what they announce, and what becomes of them with time."""
