"""Hard rules name the nearest legal values; tested ranges are only reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.rules import DERIVATIONS, FrameRule, RangeTested, Rules, SizeRule, SizesTested, around
from comfy_headless.errors import ValidationError

SIZE = SizeRule(multiple=32, minimum=64, source="s", tested=SizesTested(sizes=((1280, 704),), source="s"))
FRAMES = FrameRule(step=4, remainder=1, source="s", tested=RangeTested(maximum=121, source="s"))
RULES = Rules(size=SIZE, frames=FRAMES)

IMPOSSIBLE = [
    ({"width": 1000, "height": 704}, "width=1000 is not possible: it must be a multiple of 32; nearest: 992 or 1024"),
    ({"width": 1280, "height": 720}, "height=720 is not possible: it must be a multiple of 32; nearest: 704 or 736"),
    ({"width": 32, "height": 704}, "width=32 is not possible: it must be at least 64; nearest: 64"),
    ({"width": 99999, "height": 704}, "it must be at most 16384; nearest: 16384"),
    ({"width": 10**400, "height": 704}, "a number of 1329 bits"),
    ({"frames": 120}, "frames=120 is not possible: it must be 4n+1; nearest: 117 or 121"),
    ({"frames": 20000}, "at most 16384; nearest: 16381"),
]


@pytest.mark.parametrize(("values", "message"), IMPOSSIBLE, ids=lambda v: str(v)[:40])
def test_a_hard_rule_names_the_nearest_legal_values(values, message):
    """Nothing is rounded on the quiet: the error says what would be possible."""
    with pytest.raises(ValidationError) as error:
        RULES.check(values, "wan_5b")
    assert message in str(error.value)
    assert str(error.value).startswith("wan_5b: ")


def test_legal_values_pass():
    """What fits raises nothing."""
    RULES.check({"width": 1280, "height": 704, "frames": 1}, "x")


def test_only_one_size():
    """A model with learned positions takes its own size and no other."""
    rule = SizeRule(only=((720, 480),), source="s")
    rule.check(720, 480, "x")
    with pytest.raises(ValidationError, match="480x720 is not possible; this model makes 720x480"):
        rule.check(480, 720, "x")


def test_untested_values_are_reported():
    """A line per value outside of what was tested, none inside."""
    assert RULES.untested({"width": 1280, "height": 704, "frames": 121}) == ()
    lines = RULES.untested({"width": 704, "height": 704, "frames": 125})
    assert lines == ("704x704 (tested: 1280x704)", "frames=125 (tested: at most 121)")


@given(st.integers(1, 40), st.integers(0, 39), st.integers(1, 500), st.floats(0, 2000))
def test_around_gives_the_two_nearest(step, remainder, minimum, wanted):
    """Of all legal values none lies between the two, nor nearer than they do."""
    remainder %= step
    legal = [n for n in range(minimum, minimum + 1000) if n % step == remainder]
    low, high = around(wanted, step, remainder, minimum, minimum + 999)
    below, above = [n for n in legal if n <= wanted], [n for n in legal if n >= wanted]
    assert (low, high) == (below[-1] if below else legal[0], above[0] if above else legal[-1])


@given(st.floats(0.0, 20000.0))
def test_a_length_becomes_the_nearest_legal_count(wanted):
    """No legal frame count is nearer than the one found."""
    found = FRAMES.nearest(wanted)
    legal = range(1, 16385, 4)
    assert found in legal
    assert abs(found - wanted) == min(abs(n - wanted) for n in legal)


def test_half_and_handover():
    """Half is exact or refused; the hand-over leaves each expert a step."""
    assert DERIVATIONS["half"](704, 0.5, "x") == 352
    with pytest.raises(ValidationError, match="x: 705 has no half"):
        DERIVATIONS["half"](705, 0.5, "x")
    assert [DERIVATIONS["handover"](steps, 0.625, "x") for steps in (40, 20, 4, 3, 2)] == [25, 12, 2, 2, 1]
    with pytest.raises(ValidationError, match="x: 1 cannot be shared"):
        DERIVATIONS["handover"](1, 0.5, "x")
