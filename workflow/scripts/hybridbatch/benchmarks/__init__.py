"""Test collections: queries, candidates and relevance judgements, a module a kind."""
