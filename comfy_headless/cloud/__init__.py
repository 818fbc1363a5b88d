"""Where jobs run that is no ComfyUI server: clouds, each an executor."""
