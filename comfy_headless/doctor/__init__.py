"""A look at everything that a generation needs, and what to type about what is wrong."""
