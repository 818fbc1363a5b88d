"""The same cases against the simulator and a real ComfyUI, and the harness that brings up the real one."""
