"""Counting parameters and FLOPs: the ledger of one shape and the shape families."""
