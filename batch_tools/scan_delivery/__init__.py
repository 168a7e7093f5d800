"""Scans a delivery in quarantine: viruses, personal health information, form and checksums."""
