"""A ComfyUI of this machine: found in its folder, started, watched and stopped. Standard library only."""
