"""The marker grammar, case by case; ids as in ComfyKit's behaviour table (p.. parameters, q.. outputs)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.markers import Marker, parse_title


def parameter(name, field=None, *, required=False, upload=False, description="", position=1):
    return Marker(name, field, required, upload, False, description, position)


def output(name, *, required=False, description="", position=1):
    return Marker(name, None, required, False, True, description, position)


READ = {
    "p01": ("$prompt", parameter("prompt")),
    "p02": ("$prompt.text", parameter("prompt", "text")),
    "p04": ("$prompt!", parameter("prompt", required=True)),
    "p06": ("$~image", parameter("image", upload=True)),
    "p08": ("$img.~image!", parameter("img", "image", required=True, upload=True)),
    "p09": ("$~img.image!", parameter("img", "image", required=True, upload=True)),
    "p10": ("$~img.~image", parameter("img", "image", upload=True)),
    "p20": ("$prompt.text!:the prompt", parameter("prompt", "text", required=True, description="the prompt")),
    "p21": ("$prompt.text:the prompt!", parameter("prompt", "text", description="the prompt!")),
    "p22": ("$prompt.text!: one, two", parameter("prompt", "text", required=True, description="one, two")),
    "p23": ("$prompt.text!: cost, $5", parameter("prompt", "text", required=True, description="cost, $5")),
    "p26": ("$ prompt.text!", parameter("prompt", "text", required=True)),
    "p27": ("$prompt.text !", parameter("prompt", "text", required=True)),
    "p32": ("$a.b.c", parameter("a", "b.c")),
    "q05": ("$output.cover!", output("cover", required=True)),
    "q06": ("$output.cover:final picture", output("cover", description="final picture")),
    "unicode": ("$提示词.text", parameter("提示词", "text")),
    "hyphen": ("$my-name.text", parameter("my-name", "text")),
    "name with a space": ("$negative prompt.text!", parameter("negative prompt", "text", required=True)),
    "field with a space": ("$p.my input!", parameter("p", "my input", required=True)),
    "later": ("Positive, $prompt.text", parameter("prompt", "text", position=11)),
}


@pytest.mark.parametrize("case", READ)
def test_a_marker_is_read_as_written(case):
    """Name, input, '!', '~', description and place of one marker come out as the grammar says."""
    title, marker = READ[case]
    assert parse_title(title).markers == (marker,)


SEVERAL = {
    "p15": ("Size, $width!, $height!", ["width", "height"]),
    "p19": ("Size，$width!，$height", ["width", "height"]),
    "q02": ("Save, $output.cover", ["cover"]),
    "q04": (" $output.cover", ["cover"]),
    "q07": ("$output.cover, $prefix.filename_prefix", ["cover", "prefix"]),
    "description": ("$a.x: one, $5 and more, two, $b.y", ["a", "b"]),
    "none": ("Just a title, with words", []),
    "price": ("Cheap, $5", []),
    "price with words": ("Cheap, $4.99 a month", []),
    "empty": ("", []),
    "p14": ("!$prompt.text", []),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_markers_are_separated_by_commas(case):
    """Each part between commas that starts with a marker is one, at any position of the title."""
    title, names = SEVERAL[case]
    assert [marker.name for marker in parse_title(title).markers] == names


REFUSED = {
    "p12": ("$img.image~!", 11, "'~' stands before"),
    "p13": ("$prompt!.text", 9, "'!' stands after the field"),
    "p17": ("$width! $height!", 9, "separated by commas"),
    "p24": ("$prompt.text! the prompt", 15, "a description begins with ':'"),
    "p28": ("$", 2, "expected a name"),
    "p29": ("$!", 2, "expected a name"),
    "p30": ("$.text", 2, "expected a name"),
    "p31": ("$prompt.", 9, "name of an input"),
    "p35": ("$$prompt.text", 2, "expected a name"),
    "later": ("Size, $width, $a!b", 18, "does not belong"),
    "output": ("$~output.video", 1, "takes no '~'"),
    "digit first": ("$1st.text", 2, "a letter or '_' first"),
    "digits": ("$1.text", 2, "a letter or '_' first"),
    "price and !": ("$5!", 2, "a letter or '_' first"),
    "two spaces": ("$negative  prompt.text", 12, "does not belong"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_starts_as_a_marker_and_does_not_fit_is_refused(case):
    """The error names node, title, position, and what is wrong there."""
    title, position, problem = REFUSED[case]
    with pytest.raises(ValidationError) as error:
        parse_title(title, where="w.json: node 6 (X)")
    message = str(error.value)
    assert message.startswith("w.json: node 6 (X)")
    assert repr(title) in message
    assert f"position {position}:" in message
    assert problem in message


@pytest.mark.parametrize("title", ["Size $width! $height!", "Size; $width! and $height"])
def test_words_that_only_look_like_markers_are_reported(title):
    """A $word inside plain text is no marker, and said."""
    assert parse_title(title) == ((), ("$width", "$height"))


def test_a_title_without_an_end_is_refused():
    """A title with a '$' is read up to 10,000 characters; an error quotes a part of a long one."""
    assert parse_title("a" * 10**6) == ((), ())
    with pytest.raises(ValidationError, match="10001 characters"):
        parse_title("$a" + "," * 9999)
    with pytest.raises(ValidationError) as error:
        parse_title("x, " * 100 + "$a.b!c" + ", x" * 1000, where="node 6")
    assert "'!c'" not in str(error.value) and "$a.b!c" in str(error.value)
    assert len(str(error.value)) < 400


@given(st.text(max_size=60))
def test_any_title_is_read_or_refused(title):
    """No title ends in anything but markers or a ValidationError."""
    try:
        parsed = parse_title(title)
    except ValidationError:
        return
    assert all(title[marker.position - 1] == "$" for marker in parsed.markers)


NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "output")


@given(
    st.lists(
        st.tuples(NAMES, st.none() | NAMES, st.booleans(), st.booleans(), st.sampled_from(["", "how wide", "a, b"])),
        min_size=1,
        max_size=5,
    )
)
def test_what_is_written_is_read_back(parts):
    """Titles made of well-formed markers give those markers in order."""
    title = ", ".join(
        f"${'~' * upload}{name}{f'.{field}' if field else ''}{'!' * required}{f':{text}' if text else ''}"
        for name, field, required, upload, text in parts
    )
    read = [(m.name, m.field, m.required, m.upload, m.description) for m in parse_title(title).markers]
    assert read == parts
