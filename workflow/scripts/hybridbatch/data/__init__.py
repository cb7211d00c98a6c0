"""Question-answer pairs: downloading, reading, filtering, and contamination with benchmarks."""
