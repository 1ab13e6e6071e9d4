"""The stacked trainer: the only package that imports torch, and only in the modules that train.

`device`, `settings` and `tokens` need no torch; `stack` (training) and `probe` (measuring) do. Call
`device.available_device` before importing either, so that a missing torch is one clear sentence.
"""
