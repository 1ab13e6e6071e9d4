"""The default fits."""

from budgetscope.core.answers.question import DEFAULT_LAW

__all__ = [
    "AUDIT_RULES",
    "CRITICAL_BATCH",
    "DEFAULT_HYPERPARAMETERS",
    "DEFAULT_LAW",
    "FOR_EVERY_RECIPE",
    "RECIPES",
    "SPREAD_FITS",
    "WEIGHT_DECAY",
]

DEFAULT_HYPERPARAMETERS = "porian2024/rounded-rule"
"""The recipe of the tuned runs behind the default law; what others lack is taken from it."""
RECIPES = ("porian2024/rounded-rule", "openeurollm2026/dense", "steplaw2025/dense")
"""Of these the recipe follows the one that covers the model and scores best near it (`core.answers.recipe_choice`).
Left out are laws without a known range of N and D, and those that need a loss."""
WEIGHT_DECAY = "bergsma2025/power-lines"
CRITICAL_BATCH = "zhang2024/critical-batch"
FOR_EVERY_RECIPE = (WEIGHT_DECAY, DEFAULT_HYPERPARAMETERS, CRITICAL_BATCH)
"""What a recipe lacks is taken from the first of these that has it."""
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
AUDIT_RULES = (DEFAULT_HYPERPARAMETERS, "marek2025/token-half-life", WEIGHT_DECAY)
"""Fits whose rules for beta2 and weight decay give the range that an audit allows."""
