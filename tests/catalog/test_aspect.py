"""A shape that is asked for becomes the nearest legal size, and is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.catalog.aspect import shaped
from comfy_headless.catalog.rules import SizeRule, SizesTested
from comfy_headless.errors import ValidationError

GRID = SizeRule(multiple=16, minimum=32, source="here")
LISTED = SizeRule(multiple=32, source="here", tested=SizesTested(sizes=((1280, 704), (704, 1280)), source="here"))
ONE = SizeRule(only=((720, 480),), source="here")


def size(aspect, rule=GRID, own=(1280, 720), allow_untested=False, **fixed):
    """The size that is taken."""
    found = shaped(aspect, fixed, own, rule, "mine", allow_untested=allow_untested)
    return found.width, found.height


@pytest.mark.parametrize(
    ("aspect", "wanted"),
    [("16:9", (1280, 720)), ("9:16", (720, 1280)), ("1:1", (960, 960)), ("16/9", (1280, 720)), ("4x3", (1088, 816))],
)
def test_the_area_is_kept(aspect, wanted):
    """Of all legal sizes the one of that shape, near the preset's own area."""
    assert size(aspect) == wanted


def test_one_side_that_is_given_stays():
    """The other follows from it."""
    assert size("1:1", width=512) == (512, 512)
    assert size("9:16", height=1024) == (576, 1024)


def test_tested_sizes_come_first():
    """A model that was tested with two sizes gets one of them, and any other only on request."""
    assert size("9:16", LISTED) == (704, 1280)
    assert size("16:9", LISTED) == (1280, 704)
    with pytest.raises(ValidationError, match=r"mine: aspect='1:1' is not possible: it makes 1280x704 or 704x1280; "):
        size("1:1", LISTED)
    assert size("1:1", LISTED, allow_untested=True) == (960, 960)


def test_a_hard_size_stays():
    """Where a model makes one size only, a shape near it gets that, and another is refused for good."""
    assert size("16:9", ONE, own=(720, 480)) == (720, 480)
    with pytest.raises(ValidationError, match=r"it makes 720x480$"):
        size("9:16", ONE, own=(720, 480), allow_untested=True)


@pytest.mark.parametrize("aspect", ["wide", "16", "0:9", "-1:2", "16:9:1", "", 1.78, None])
def test_what_is_no_shape(aspect):
    """The error shows how a shape is written."""
    with pytest.raises(ValidationError, match="expected width:height, such as '16:9'"):
        size(aspect)


def test_both_sides_leave_nothing_to_wish():
    """Width, height and shape: two of them are enough."""
    with pytest.raises(ValidationError, match="aspect='1:1', width=512 and height=256: give two"):
        size("1:1", width=512, height=256)


def test_the_note_says_how_near_it_is():
    """An exact shape is not commented."""
    assert shaped("16:9", {}, (1280, 720), GRID, "mine", allow_untested=False).note == "aspect=16:9: 1280x720"
    note = shaped("9:16", {}, (1280, 704), LISTED, "mine", allow_untested=False).note
    assert note == "aspect=9:16: 704x1280, 0.550 wide to high where 0.562 was asked for"


@given(st.floats(0.2, 5), st.sampled_from([2, 8, 16, 32, 64]), st.integers(256, 2048), st.integers(256, 2048))
def test_whatever_is_taken_is_legal_and_near(ratio, multiple, width, height):
    """A multiple, about the area asked for, and no neighbour is nearer in shape and area at once."""
    rule = SizeRule(multiple=multiple, minimum=multiple, source="here")
    own = (width // 64 * 64, height // 64 * 64)
    wide, high = size(f"{ratio:.4f}:1", rule, own)
    assert wide % multiple == high % multiple == 0
    assert abs(math.log(wide / high / ratio)) < 0.23
    assert 0.4 < wide * high / (own[0] * own[1]) < 2.5
