"""Leave while a language model is silent: a process of its own, with the signal that Ctrl-C sends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Final

from tests.ai.speaking import LONG, is_silent, speaking
from tests.cli.program import environment
from tests.faults.clients import until, within

WAITING: Final = """
import sys
from comfy_headless import OpenAIEngine, enhance_prompt
try:
    enhance_prompt("a cat", engine=OpenAIEngine(sys.argv[1], timeout=600))
except KeyboardInterrupt:
    print("left", flush=True)
sys.stdin.read()
"""


def test_ctrl_c_leaves_at_once() -> None:
    """SIGINT while a model is silent comes out, and the connection is cut although the process goes on."""
    with speaking(is_silent) as speaker:
        words = [sys.executable, "-c", WAITING, speaker.url]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
            try:
                until(lambda: bool(speaker.asked), seconds=LONG)
                with within(LONG / 2):
                    process.send_signal(signal.SIGINT)
                    assert process.stdout is not None and process.stdout.readline() == b"left\n"
                assert speaker.gone.wait(LONG / 2)
            finally:
                process.kill()
