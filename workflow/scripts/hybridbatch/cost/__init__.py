"""Estimates of the cost of a configuration."""
