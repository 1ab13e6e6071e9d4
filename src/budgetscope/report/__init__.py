"""Format results as rows, tables, CSV, JSON and Markdown, for command line, app and notebook; no input or output."""
