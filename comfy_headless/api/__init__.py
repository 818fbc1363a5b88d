"""What people call: the flows that wire presets, workflows and clients, and the plain functions over them."""
