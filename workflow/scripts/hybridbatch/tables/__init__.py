"""The papers' tables: which scores they take and how they are laid out."""
