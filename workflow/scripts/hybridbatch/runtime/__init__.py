"""Errors, files, logs, locks, devices: none of it can change a result or is fingerprinted."""
