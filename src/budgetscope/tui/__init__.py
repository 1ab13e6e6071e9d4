"""The Textual app."""

import os

# An answer waits for the next frame: of 60 a second, that alone would be a third of the 50 ms it may take.
os.environ.setdefault("TEXTUAL_FPS", "120")
