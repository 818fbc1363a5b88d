"""Which inputs of a graph a caller would give, found by class and wire: the markers of a template to be."""
