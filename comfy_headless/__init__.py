"""Video out of ComfyUI from Python: a prompt in, an mp4 out."""
