"""A stand-in for a ComfyUI's folder: its main.py answers /system_stats, and behaves as a test needs."""

from __future__ import annotations

import os
from pathlib import Path

_MAIN = """
import http.server, json, os, signal, subprocess, sys, threading, time
{before}
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {{"system": {{"argv": sys.argv, "environ": dict(os.environ), "folder": os.getcwd()}}, "devices": []}}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        {after}

    def log_message(self, *words):
        pass

port = int(sys.argv[sys.argv.index("--port") + 1])
try:
    with http.server.HTTPServer(("127.0.0.1", port), Answers) as server:
        print("\\x1b[32m[INFO]\\x1b[0m To see the GUI go to: http://127.0.0.1:%d" % port)
        server.serve_forever(poll_interval=0.02)
except KeyboardInterrupt:
    print("Stopped server")
"""


def stand_in(folder: Path, *, before: str = "", after: str = "pass") -> Path:
    """Write a ComfyUI that runs ``before`` at its start, and ``after`` once it has answered."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.py").write_text(_MAIN.format(before=before, after=after), encoding="utf-8")
    (folder / "nodes.py").touch()
    return folder


def alive(pid: int) -> bool:
    """Say whether a process is there and not only waits to be noted as ended."""
    try:
        os.kill(pid, 0)
        stat = Path(f"/proc/{pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
