"""The life of one prompt, as a table.

A job is SENT until the server has answered, then QUEUED, RUNNING, ENDING (the socket said so; the history is not
written yet), and ends as DONE, FAILED or GONE. Signs arrive in any order, twice, or late: a sign that the table does
not list for a state changes nothing, and no sign leads out of a final state. Only the history (SUCCESS, ERROR) and a
confirmed absence (ABSENT) end a job; the socket only hints.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a job stands."""

    SENT = "sent"
    QUEUED = "queued"
    RUNNING = "running"
    ENDING = "ending"
    DONE = "done"
    FAILED = "failed"
    GONE = "gone"


class Sign(StrEnum):
    """What was seen of a job."""

    ACCEPTED = "accepted"  # POST /prompt answered, or the id was found on the server
    WAITS = "waits"  # in queue_pending
    RUNS = "runs"  # in queue_running, or a frame of this job came
    ENDS = "ends"  # the socket says that it ended
    SUCCESS = "success"  # history: success
    ERROR = "error"  # history: error or interrupted
    ABSENT = "absent"  # neither queued nor in the history, twice


_END: Final = {Sign.SUCCESS: State.DONE, Sign.ERROR: State.FAILED, Sign.ABSENT: State.GONE}

MOVES: Final[dict[State, dict[Sign, State]]] = {
    State.SENT: {
        Sign.ACCEPTED: State.QUEUED,
        Sign.WAITS: State.QUEUED,
        Sign.RUNS: State.RUNNING,
        Sign.ENDS: State.ENDING,
        **_END,
    },
    State.QUEUED: {Sign.RUNS: State.RUNNING, Sign.ENDS: State.ENDING, **_END},
    State.RUNNING: {Sign.ENDS: State.ENDING, **_END},
    State.ENDING: _END,
    State.DONE: {},
    State.FAILED: {},
    State.GONE: {},
}

FINAL: Final = frozenset(state for state, moves in MOVES.items() if not moves)


def advance(state: State, sign: Sign) -> State:
    """Return the state after ``sign``; a sign that says nothing new leaves it as it is."""
    return MOVES[state].get(sign, state)
