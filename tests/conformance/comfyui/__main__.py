"""Start a real ComfyUI by hand: `python -m tests.conformance.comfyui [PORT]`; Ctrl-C stops it."""

from __future__ import annotations

import signal
import sys

from .presets import place_presets
from .server import RealServer


def main(port: int) -> int:
    """Run until interrupted; say where it answers and where its files lie."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with RealServer(port=port) as server:
            place_presets(server.folders)
            sys.stdout.write(f"{server.url}\nfolder: {server.folder}\nweights: {server.folders.weights}\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8188))
