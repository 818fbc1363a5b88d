"""What is said to a ComfyUI server: pure generators of effects, no sockets, no clock, no threads."""
