"""Figures from tidy frames, a module a kind; each returns a matplotlib Figure and its Words."""
