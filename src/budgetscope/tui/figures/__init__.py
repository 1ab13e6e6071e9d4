"""Chart figures that several screens show."""
