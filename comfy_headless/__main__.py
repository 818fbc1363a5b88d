"""``python -m comfy_headless`` is ``comfy-headless``."""

from __future__ import annotations

import sys

from comfy_headless.cli import main

if __name__ == "__main__":
    sys.exit(main())
