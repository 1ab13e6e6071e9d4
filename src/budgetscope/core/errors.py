"""The errors that budgetscope raises for its users."""

from budgetscope.core.printable import printable


class BudgetscopeError(Exception):
    """Base of the errors whose message is shown to the user.

    The message is one sentence that names the value, the reason and the remedy, in printable characters: it may quote
    a file or a library. The command line exits with `exit_code`.
    """

    exit_code = 1

    def __str__(self) -> str:
        """Return the message."""
        return printable(super().__str__())


class UsageError(BudgetscopeError):
    """The input is invalid or cannot be planned with (exit code 2)."""

    exit_code = 2


class FailureError(BudgetscopeError):
    """The input is valid, but a file, a folder or a fit is not usable (exit code 1)."""
