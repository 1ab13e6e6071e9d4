"""Reads the configurations of training runs, of whatever trainer, as `ObservedRun`; nothing in them is executed."""
