"""What is deployed: one stack per stage. Stacks never import each other; app.py hands typed attributes on."""
