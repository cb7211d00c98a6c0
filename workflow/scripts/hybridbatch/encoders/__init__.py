"""Encoders, their inputs and their vectors, a module a kind."""
