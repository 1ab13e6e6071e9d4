"""Reads a table of training runs: file -> raw rows -> columns -> clean runs, with a record of every row left out."""
