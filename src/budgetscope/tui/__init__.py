"""The app: the planner in a terminal, made with Textual; each screen is in `screens/<name>/screen.py`."""

import os

# An answer waits for up to two frames: of 60 a second, that would be two thirds of the 50 ms it may take.
os.environ.setdefault("TEXTUAL_FPS", "240")
