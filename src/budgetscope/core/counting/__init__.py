"""Parameters and FLOPs of model shapes under every counting convention, and the shape families."""
