"""A real ComfyUI 0.30.0 on CPU for tests: installed from packages, with miniature weights, on loopback only."""
