"""The stacked trainer: exactly the files that load torch when they run.

Call `device.available_device` before importing `stack` or `probe`, which import torch at once: a missing torch is then
one clear sentence.
"""
