"""What queries over a cohort's tables must read, and how long they take."""
