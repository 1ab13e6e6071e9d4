"""Signs and styles that mean the same on every screen."""

PROBLEM_SIGN = "✗ "
CAUTION_SIGN = "! "
CHOSEN_SIGN = ">"
"""Of the law that is followed, in lists of laws."""
LABEL_STYLE = "$text-muted"
"""Of the labels beside figures."""
