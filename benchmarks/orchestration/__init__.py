"""What it costs to have the platform run the tools, beside a script that runs the same commands."""
