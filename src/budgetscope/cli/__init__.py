"""The command line: one module a command group; stdout is data, stderr is narration."""
