"""What runs in processes of its own, under a job's or a model's role; it finds AWS by its environment alone."""
