"""Words that work: what a prompt asks for, and how the model at hand wants to be asked."""
