"""The audit of a run that somebody planned or ran."""
