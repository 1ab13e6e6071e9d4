"""Numbers and budgets as people write them: text in, typed values out."""
