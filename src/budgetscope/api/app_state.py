"""What the app showed last, kept for its next start."""

from budgetscope.store.app_state import AppState, read_state, write_state

__all__ = ["AppState", "read_state", "write_state"]
