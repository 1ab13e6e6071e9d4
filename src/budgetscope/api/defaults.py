"""The fits that are followed when a request names none."""

DEFAULT_LAW = "porian2024/refinedweb-tuned"
DEFAULT_HYPERPARAMETERS = "porian2024/rounded-rule"
"""It is what the tuned runs behind the default law used."""
CRITICAL_BATCH = "zhang2024/critical-batch"
SPREAD_FITS = (
    "porian2024/rounded-rule",
    "porian2024/sweep-fit",
    "olmo2025/halved-rate",
    "steplaw2025/dense",
    "deepseek2024/current-data",
)
"""Fits whose learning rate and batch show the spread of the field. Left out: Kaplan's learning rate, which
its authors bound to 1e10 parameters, and MiniCPM's, which holds under another parametrisation."""

RECIPE_ROLES = {"learning_rate", "batch_size", "beta2", "critical_batch_size", "warmup", "weight_decay"}
"""What a fit has to have a law for, one of them at least, to serve as a recipe."""
