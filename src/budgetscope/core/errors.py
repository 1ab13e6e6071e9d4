"""The two ways in which budgetscope says no."""


class BudgetscopeError(Exception):
    """One sentence for the user that names the value, the reason and the remedy.

    Every face prints the sentence as it is; the command line exits with `exit_code`.
    """

    exit_code = 1


class UsageError(BudgetscopeError):
    """The input cannot be understood or cannot be planned with (exit code 2)."""

    exit_code = 2


class FailureError(BudgetscopeError):
    """The input is fine, but something else went wrong: a file, a folder, a fit (exit code 1)."""
