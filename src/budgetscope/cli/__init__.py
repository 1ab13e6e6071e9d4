"""The command line: one module per command group; data on stdout, messages on stderr."""
