"""The typed configuration: the catalogue, what is selected from it, and the jobs' parameters."""
