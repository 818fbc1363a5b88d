"""The life of a prompt, as its table says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.protocol.job import FINAL, MOVES, Sign, State, advance

signs = st.lists(st.sampled_from(Sign))


def live(state: State, seen: list[Sign]) -> list[State]:
    states = [state]
    for sign in seen:
        states.append(advance(states[-1], sign))
    return states


def test_every_state_is_listed() -> None:
    """The table has a row for each state."""
    assert set(MOVES) == set(State)


@given(signs)
def test_nothing_leads_out_of_an_end(seen: list[Sign]) -> None:
    """Once ended, a job stays as it ended, whatever comes late or twice."""
    states = live(State.SENT, seen)
    ends = [state for state in states if state in FINAL]
    assert len(set(ends)) <= 1


@given(signs)
def test_a_job_never_goes_back(seen: list[Sign]) -> None:
    """Queued, running, ending: the order of life holds under any order of signs."""
    order = list(State)
    ranks = [order.index(state) for state in live(State.SENT, seen)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("sign", [Sign.ACCEPTED, Sign.WAITS, Sign.RUNS, Sign.ENDS])
def test_only_the_history_ends_a_job(sign: Sign) -> None:
    """No sign of the socket or the queue is an end."""
    assert all(advance(state, sign) not in FINAL for state in State if state not in FINAL)
