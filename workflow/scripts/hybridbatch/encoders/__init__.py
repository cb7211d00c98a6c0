"""Encoders, one module a kind, with their inputs and vectors."""
