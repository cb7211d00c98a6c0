"""Machine translation of texts, and its quality."""
