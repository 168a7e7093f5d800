"""Lambda: zipped handlers in processes of their own."""
