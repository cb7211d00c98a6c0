"""Figures from tidy frames, one module a kind. Each gives a matplotlib Figure and its Words."""
