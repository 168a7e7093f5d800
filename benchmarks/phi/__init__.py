"""How much of what is personal the scan of deliveries finds, how often it is wrong, and how fast it is."""
