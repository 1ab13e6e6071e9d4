"""budgetscope: from a compute budget to a pretraining plan, by the scaling laws."""

__version__ = "0.1.0.dev0"
