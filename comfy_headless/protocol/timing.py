"""How long a conversation waits for what: one frozen table, in seconds."""

from __future__ import annotations

from typing import NamedTuple


class Timing(NamedTuple):
    """Waiting times in seconds. The defaults suit a real server; tests scale them.

    Args:
        connect: for a TCP connection, and for opening the WebSocket.
        read: silence in a small answer (history, queue).
        post: silence after ``POST /prompt``; a busy server answers late, and a late answer is not a lost one.
        transfer: silence within an upload, a download or a large answer.
        first_poll: first look at the history beside the socket.
        last_poll: the interval grows by half each time, up to this.
        first_poll_alone: first look at the history where there is no socket.
        last_poll_alone: up to this the interval grows there.
        patience: how long a server may stay away before the wait gives up.
        lookup: how long to look for a job whose ``POST /prompt`` was not answered.
        lookup_gap: time between two such looks.
        gone: a job that is neither in the queue nor in the history for so long, seen twice, is gone.
        check: how long a server may take to tell what it has, before a job is sent to it unchecked.
        cancel: limit of the calls that cancel a job.
        idle: the socket closes after so long without a job; one that could not be opened is not tried for so long.
        retry: first wait before an idempotent call is repeated; doubles up to ``last_poll``.
        grace: how long after the caller's deadline an exchange that is under way may go on (a download above all).
    """

    connect: float = 10.0
    read: float = 10.0
    post: float = 90.0
    transfer: float = 20.0
    first_poll: float = 0.5
    last_poll: float = 5.0
    first_poll_alone: float = 0.125
    last_poll_alone: float = 2.0
    patience: float = 60.0
    lookup: float = 10.0
    lookup_gap: float = 2.0
    gone: float = 3.0
    check: float = 5.0
    cancel: float = 5.0
    idle: float = 30.0
    retry: float = 0.25
    grace: float = 5.0

    def scaled(self, factor: float) -> Timing:
        """Return the same table with every time multiplied by ``factor``."""
        return Timing(*(value * factor for value in self))
