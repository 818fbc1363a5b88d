"""What can be made: the model families, their presets, and the compiler that turns one into a graph."""
