"""Model files: what presets need, what is there, and what is fetched into the folder of a local ComfyUI.

The home of huggingface_hub and yaml. Listing and checking need neither, unless an ``extra_model_paths.yaml`` is there.
"""
