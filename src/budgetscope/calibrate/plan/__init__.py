"""What a calibration trains: request, data, design, price and spec."""
