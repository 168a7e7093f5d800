"""What this platform costs beside its peers: ratios measured in the same run, one command each."""
