"""Who calls, what is asked for, and whether it may."""
