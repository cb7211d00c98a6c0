"""Ranking: exact, by an index, and as TREC runs."""
