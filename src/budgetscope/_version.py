"""The version, apart from the package's front door: lower rooms may import it."""

__version__ = "0.1.0.dev0"
