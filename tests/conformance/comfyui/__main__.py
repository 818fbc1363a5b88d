"""Start a real ComfyUI by hand: `python -m tests.conformance.comfyui [PORT [VERSION]]`; Ctrl-C stops it.

VERSION is one that a package carries (`CARRIED` in install.py), or the folder of a ComfyUI.
"""

from __future__ import annotations

import signal
import sys

from .install import VERSION
from .presets import place_presets
from .server import RealServer


def main(port: int, version: str) -> int:
    """Run until interrupted; say where it answers and where its files lie."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with RealServer(port=port, version=version) as server:
            place_presets(server.folders)
            sys.stdout.write(f"{server.url}\nfolder: {server.folder}\nweights: {server.folders.weights}\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    given = sys.argv[1:]
    port, version = [*given, *("8188", VERSION)[len(given) :]]
    sys.exit(main(int(port), version))
