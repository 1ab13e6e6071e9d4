"""Pure: the ledger, shapes, laws, hardware and the plan. No I/O, no third-party imports."""
