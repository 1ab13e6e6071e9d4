"""Pure: from tables of runs to laws with intervals."""
