"""Rankings: exact ones, those of an index, and runs as TREC has them."""
