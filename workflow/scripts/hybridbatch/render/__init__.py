"""Pages from grids, as Markdown, LaTeX and HTML. Nothing here is specific to retrieval."""
