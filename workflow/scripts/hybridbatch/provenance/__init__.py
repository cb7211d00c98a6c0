"""Where a result comes from: fingerprints of code, lineage, records, verification."""
