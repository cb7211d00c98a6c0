"""Errors, files, logs, locks, devices. None can change a result, so none is in a fingerprint."""
