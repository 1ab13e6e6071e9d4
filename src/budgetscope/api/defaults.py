"""The default fits."""

DEFAULT_LAW = "porian2024/refinedweb-tuned"
DEFAULT_HYPERPARAMETERS = "porian2024/rounded-rule"
"""The recipe of the tuned runs behind the default law."""
CRITICAL_BATCH = "zhang2024/critical-batch"
SPREAD_FITS = (
    "porian2024/rounded-rule",
    "porian2024/sweep-fit",
    "olmo2025/halved-rate",
    "steplaw2025/dense",
    "deepseek2024/current-data",
    "openeurollm2026/dense",
)
"""Fits whose learning rates and batches give the spread over published laws. Left out are Kaplan's learning rate, which
its authors limit to 1e10 parameters, and MiniCPM's, which holds under another parametrisation."""
