"""Provenance of results: fingerprints of code, lineage, records, verification."""
