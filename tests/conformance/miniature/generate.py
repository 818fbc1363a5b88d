"""Write miniature random weights, by instantiating ComfyUI's own model classes small.

usage: PYTHON generate.py COMFYUI_SOURCE MODELS_FOLDER FAMILY ...      (PYTHON: that of ComfyUI; families: FAMILIES)
The files load in an unmodified ComfyUI together with custom_nodes/tiny_models.py. They make noise, not pictures: they
prove that a graph runs and what size, length, frame rate and sound its file has, nothing about quality.
"""

import sys
from pathlib import Path


def families(source):
    """All families by name. ComfyUI reads the command line when it is imported, so it comes first."""
    sys.path.insert(0, source)
    sys.argv = ["generate.py", "--cpu"]
    import comfy.options

    comfy.options.enable_args_parsing()
    import cogvideox  # noqa: F401
    import frames  # noqa: F401
    import hunyuan  # noqa: F401
    import image  # noqa: F401
    import ltx  # noqa: F401
    import mochi  # noqa: F401
    import parts
    import svd  # noqa: F401
    import wan  # noqa: F401

    return parts


def main(source, folder, *wanted):
    """Write the wanted families; an error names those that exist."""
    parts = families(source)
    unknown = set(wanted) - set(parts.FAMILIES)
    if unknown or not wanted:
        sys.exit(f"unknown families {sorted(unknown)}; there are {' '.join(parts.FAMILIES)}")
    parts.folder = Path(folder)
    for name in wanted:
        parts.FAMILIES[name]()


if __name__ == "__main__":
    main(*sys.argv[1:])
