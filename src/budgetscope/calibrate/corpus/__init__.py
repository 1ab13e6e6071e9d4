"""The text of a calibration: read, deduplicated, split, tokenized once and memory-mapped."""
