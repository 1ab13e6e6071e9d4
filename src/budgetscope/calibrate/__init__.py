"""A designed sweep of small models on the user's own GPU and data, and the fit that it gives."""
