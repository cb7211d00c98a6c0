"""Pages from grids: Markdown, LaTeX, HTML. It knows nothing of retrieval."""
