"""Texts in other languages, and how good the translations are."""
