"""The saved state of the app: its last request, scenario, screen and views."""

from budgetscope.store.app_state import AppState, read_state, write_state

__all__ = ["AppState", "read_state", "write_state"]
