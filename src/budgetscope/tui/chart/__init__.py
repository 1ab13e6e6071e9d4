"""Charts in characters: a figure is data, the canvas has the dots, plot and drawing put them together."""
