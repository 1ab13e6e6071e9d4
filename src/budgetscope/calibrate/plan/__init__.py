"""The plan of a calibration before it runs: request, design, price and spec."""
