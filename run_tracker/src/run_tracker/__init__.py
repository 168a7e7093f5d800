"""Watches run folders on the lab's machine and starts their transfer to S3."""
