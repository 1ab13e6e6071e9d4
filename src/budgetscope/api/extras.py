"""How to install what is missing, for the faces."""

from budgetscope.core.extras import install_command

__all__ = ["install_command"]
