"""The papers' tables: the scores they show and their layout."""
