"""Files in and out: stored fits, their lookup, user settings."""
