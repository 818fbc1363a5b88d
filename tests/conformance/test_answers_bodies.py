"""The simulator against a real ComfyUI: bodies of the routes that change the queue and the history."""

from __future__ import annotations

from typing import Any

from .conversation import Step, answers

_BODIES: tuple[Any, ...] = (
    *({}, [], 3, "x", "clear", None, True, b"", b"{", ["clear"], ["delete"], ["other"]),
    *({"clear": 0}, {"clear": True, "delete": ["<n>"]}, {"clear": True, "delete": 3}, {"other": 1}),
    *({"delete": None}, {"delete": "abc"}, {"delete": {"<n>": 1}}, {"delete": [None, 3, "<n>"]}),
)
_OTHERS: tuple[Any, ...] = (
    *({}, [], 3, "x", None, b"", b"{", {"prompt_id": "<n>"}, {"prompt_id": 3}, {"prompt_id": [1]}, {"prompt_id": ""}),
    *({"unload_models": True}, {"unload_models": 0, "free_memory": 0}, {"free_memory": True}),
)
STEPS: list[Step] = [
    *(("POST", route, body) for route in ("/queue", "/api/history") for body in _BODIES),
    *(("POST", route, body) for route in ("/interrupt", "/api/free") for body in _OTHERS),
    ("GET", "/api/queue", None),
    ("GET", "/api/history", None),
    ("HEAD", "/queue", None),
    ("OPTIONS", "/prompt", None),
    ("PUT", "/prompt", None),
    ("GET", "/api/prompt", None),
    ("GET", "/api/api/jobs", None),
    ("HEAD", "/api/api/jobs/<n>", None),
    ("POST", "/api/api/jobs/<n>/cancel", None),
]


def test_each_step_is_answered_alike(real_server: str, simulated_server: str) -> None:
    """Status, reason, headers and body, with nothing in the queue or the history."""
    for simulated, real in zip(answers(simulated_server, STEPS), answers(real_server, STEPS), strict=True):
        assert simulated == real
