"""Files: stored fits, tables of runs, scenarios, settings, devices and the app's state."""
