"""Test collections (queries, candidates, relevance judgements), one module a kind."""
