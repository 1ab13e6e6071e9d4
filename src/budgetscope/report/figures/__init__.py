"""Figures as data, and their drawing by matplotlib; the app draws the same data in characters."""
