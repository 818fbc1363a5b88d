"""Rules of codec, quality and sound."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comfy_headless.errors import ValidationError
from comfy_headless.graph.check import check
from comfy_headless.graph.outputs import extensions_made, sound_made
from comfy_headless.graph.source import Graph
from comfy_headless.graph.transforms.codecs import CODECS, QUALITIES, crf_of
from comfy_headless.graph.transforms.saving import encode, mute
from comfy_headless.graph.transforms.wires import find_nodes, links
from tests.graph.transforms.graphs import COMBINED, LOADED, LOUD, SAVED, STILL, TAKEN_APART, VHS, VIDEO, WEBM, node
from tests.graph.transforms.shipped import ALL_PACKS, TEMPLATES, change, template

VIDEOS = [name for name in TEMPLATES if find_nodes(template(name), ["SaveVideo"])]
SILENT = [name for name in VIDEOS if sound_made(template(name)) is False]
QUALITY = st.sampled_from(QUALITIES) | st.integers(0, 51) | st.floats(0, 51)


def video_inputs(graph: Graph) -> dict[str, Any]:
    """The inputs of the one SaveVideo."""
    (node_id,) = find_nodes(graph, ["SaveVideo"])
    inputs: dict[str, Any] = graph[node_id]["inputs"]
    return inputs


@pytest.mark.parametrize("name", VIDEOS)
@given(quality=QUALITY, codec=st.sampled_from([None, "auto", "h264"]))
@settings(max_examples=10, deadline=None)
def test_every_template_takes_a_quality(name: str, quality: str | float, codec: str | None) -> None:
    """A quality is SaveVideo's codec in the one form that the node runs with; all else stays."""
    graph = template(name)
    made, notes = change(graph, lambda given: encode(given, codec, quality))
    crf = crf_of("h264", quality)
    form = {"codec": "h264", "codec.encoding": "re-encode", "codec.encoding.crf": crf}
    assert video_inputs(made) == {**video_inputs(graph), **form}
    assert bool(notes) == (crf == 0)
    assert made.keys() == graph.keys()
    assert video_inputs(change(made, lambda given: encode(given, "auto")).graph) == video_inputs(graph)


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize("codec", ["vp9", "av1"])
def test_every_silent_template_becomes_webm(name: str, codec: str) -> None:
    """SaveWEBM stands in the place of SaveVideo, with the pictures and the rate of CreateVideo, which is gone."""
    graph = template(name)
    (saver,), (maker,) = find_nodes(graph, ["SaveVideo"]), find_nodes(graph, ["CreateVideo"])
    made = change(graph, lambda given: encode(given, codec, "high"), pruned=True).graph
    assert made[saver]["class_type"] == "SaveWEBM"
    assert made[saver]["inputs"] == {
        "images": graph[maker]["inputs"]["images"],
        "fps": graph[maker]["inputs"]["fps"],
        "filename_prefix": graph[saver]["inputs"]["filename_prefix"],
        "codec": codec,
        "crf": 24,
    }
    assert graph.keys() - made.keys() == {maker}
    assert extensions_made(made) == frozenset({".webm"})
    assert sound_made(made) is False


@pytest.mark.parametrize("name", sorted(set(VIDEOS) - set(SILENT)))
def test_webm_does_not_lose_sound_unasked(name: str) -> None:
    """A video with sound is refused, with both ways out; without its sound it is saved."""
    graph = template(name)
    with pytest.raises(ValidationError, match=r"^codec='vp9': SaveWEBM saves no sound, .*sound=False.*h264"):
        encode(graph, "vp9")
    assert extensions_made(encode(mute(graph).graph, "vp9").graph) == frozenset({".webm"})


@pytest.mark.parametrize("name", VIDEOS)
def test_every_template_is_muted(name: str) -> None:
    """Sound is gone with the nodes that only it needed; what makes pictures is all there. Silent ones get a note."""
    graph = template(name)
    made, notes = change(graph, lambda given: mute(given), pruned=True)
    assert sound_made(made) is False
    assert bool(notes) == (name in SILENT)
    gone = [graph[node_id]["class_type"] for node_id in graph if node_id not in made]
    assert gone == ([] if name in SILENT else ["LTXVAudioVAEDecode"])
    if name in SILENT:
        assert made == graph


@pytest.mark.parametrize("graph", [LOUD, VHS, TAKEN_APART])
def test_own_graphs_are_muted(graph: Graph) -> None:
    """The wire of the sound goes, and its source where nothing else needs it; what is saved apart stays."""
    made = change(graph, mute, pruned=True).graph
    assert sound_made(made) is False
    assert all(each["class_type"] != "EmptyAudio" for each in made.values())
    if graph is not TAKEN_APART:
        kept = {**graph, "9": node("SaveAudio", audio=["4", 0], filename_prefix="x")}
        assert change(kept, mute, pruned=True).graph.keys() == kept.keys()


def test_a_loaded_video_keeps_its_sound() -> None:
    """What is saved as it was loaded has its own sound; leaving that out is refused, not forgotten."""
    with pytest.raises(
        ValidationError, match=r"^sound=False: node 2 \(SaveVideo\) saves the video of node 1 \(LoadVideo\)"
    ):
        mute(LOADED)
    assert video_inputs(encode(LOADED, "h264", "high").graph)["codec.encoding.crf"] == 18
    with pytest.raises(ValidationError, match=r"^codec='av1': SaveWEBM takes pictures, .*node 1 \(LoadVideo\)"):
        encode(LOADED, "av1")


def test_a_cut_video_is_muted_where_it_is_made() -> None:
    """A node between the made and the saved video passes on that there is no sound."""
    cut = node("Video Slice", video=["2", 0], start_time=0.0, duration=0.0, strict_duration=False)
    made = change({**LOUD, "9": cut, "3": node("SaveVideo", video=["9", 0], **SAVED)}, mute, pruned=True).graph
    assert sound_made(made) is False


def test_webm_becomes_a_video() -> None:
    """H.264 is saved by SaveVideo, with SaveWEBM's pictures and rate, and who took these takes them from before it."""
    graph = {**WEBM, "3": node("PreviewImage", images=["2", 0])}
    made = change(graph, lambda given: encode(given, "h264", "low")).graph
    (maker,) = find_nodes(made, ["CreateVideo"])
    assert made[maker]["inputs"] == {"images": ["1", 0], "fps": 30.0}
    assert links(made, "2")["video"].node_id == maker
    assert made["3"]["inputs"]["images"] == ["1", 0]
    assert video_inputs(made)["codec.encoding.crf"] == 29


def test_who_takes_the_saved_video_takes_the_made_one() -> None:
    """CreateVideo stays where somebody else needs its video."""
    graph = {**VIDEO, "4": node("GetVideoComponents", video=["3", 0]), "5": node("PreviewImage", images=["4", 0])}
    made = change(graph, lambda given: encode(given, "vp9")).graph
    assert made["4"]["inputs"] == {"video": ["2", 0]}


@pytest.mark.parametrize(
    ("codec", "quality", "inputs"),
    [
        ("av1", None, {"codec": "av1", "crf": 32}),
        (None, "low", {"codec": "vp9", "crf": 40}),
        ("vp9", None, {"codec": "vp9", "crf": 20.0}),
        (None, 51, {"codec": "vp9", "crf": 51}),
    ],
)
def test_webm_of_ones_own(codec: str | None, quality: Any, inputs: dict[str, Any]) -> None:
    """Codec and quality are SaveWEBM's own; what is the same already keeps its crf."""
    assert (
        change(WEBM, lambda given: encode(given, codec, quality)).graph["2"]["inputs"] == WEBM["2"]["inputs"] | inputs
    )


@pytest.mark.parametrize(
    ("codec", "quality", "inputs"),
    [
        (None, "high", {"crf": 18}),
        ("auto", 7, {"crf": 7}),
        ("h264", None, {}),
        ("h265", None, {"format": "video/h265-mp4", "crf": 28}),
        ("vp9", "low", {"format": "video/webm", "crf": 40}),
        ("av1", "high", {"format": "video/av1-webm", "crf": 24, "input_color_depth": "8bit"}),
    ],
)
def test_video_helper_suite(codec: str | None, quality: Any, inputs: dict[str, Any]) -> None:
    """VHS_VideoCombine takes every codec as a format, with sound."""
    made = change(VHS, lambda given: encode(given, codec, quality)).graph
    assert made["2"]["inputs"] == VHS["2"]["inputs"] | inputs
    assert sound_made(made)
    wanted = ".webm" if codec in ("vp9", "av1") else ".mp4"
    assert extensions_made(made) == frozenset({wanted})


def test_formats_without_a_crf() -> None:
    """A format of VideoHelperSuite that has no crf needs a codec; fractions of a crf are SaveVideo's alone."""
    moving = {**VHS, "2": node("VHS_VideoCombine", images=["1", 0], **{**COMBINED, "format": "image/gif"})}
    with pytest.raises(ValidationError, match=r"^quality='high': node 2 .*format='image/gif'.*video/h264-mp4.*h265"):
        encode(moving, None, "high")
    assert encode(moving, "h264", "high").graph["2"]["inputs"]["format"] == "video/h264-mp4"
    with pytest.raises(ValidationError, match=r"^quality=18\.5 .*whole number"):
        encode(VHS, None, 18.5)


def test_formats_are_as_the_pack_has_them() -> None:
    """The formats, the pixel format and the crf range that are set are in the pack's own list."""
    item = ALL_PACKS["VHS_VideoCombine"].input("format")
    assert item is not None
    for codec in CODECS.values():
        inputs = {each[0]: each[1:] for each in item.options["formats"][codec.vhs]}
        assert "yuv420p" in inputs["pix_fmt"][0]
        assert codec.worst <= inputs["crf"][1]["max"]


def test_ranges_are_as_the_nodes_have_them() -> None:
    """The range of a crf is that of SaveVideo and SaveWEBM, and medium is their default."""
    webm = ALL_PACKS["SaveWEBM"].input("crf")
    assert webm is not None
    assert (webm.min, webm.max, webm.default) == (CODECS["vp9"].best, CODECS["vp9"].worst, CODECS["vp9"].crf["medium"])
    encoding = ALL_PACKS.raw("SaveVideo")["input"]["required"]["codec"][1]["options"][1]["inputs"]["optional"][
        "encoding"
    ]
    crf = encoding[1]["options"][1]["inputs"]["required"]["crf"][1]
    about = CODECS["h264"]
    assert (crf["min"], crf["max"], crf["default"]) == (about.best, about.worst, about.crf["medium"])


@pytest.mark.parametrize(
    ("codec", "quality", "said"),
    [
        ("h266", None, r"^codec='h266': unknown codec; did you mean 'h265'\?"),
        ("prores", None, r"^codec='prores': unknown codec.* auto, h264, h265, vp9, av1"),
        ("h265", None, r"^codec='h265': node 3 \(SaveVideo\) takes auto and h264.*VHS_VideoCombine"),
        (None, "best", r"^quality='best' for h264, a crf or one of low, medium, high, lossless: expected a number"),
        (None, 52, r"^quality=52 for h264.*the most is 51"),
        (None, -1, r"^quality=-1 .*the least is 0"),
        (None, True, r"^quality=True .*not a bool"),
        ("av1", "lossless", r"^quality='lossless': av1 has none; h264, vp9 have, and av1 has low, medium, high"),
        ("av1", 0, r"^quality=0 for av1.*the least is 1"),
    ],
)
def test_impossible_codecs_and_qualities(codec: str | None, quality: Any, said: str) -> None:
    """An error names what was asked for and what there is."""
    with pytest.raises(ValidationError, match=said):
        encode(VIDEO, codec, quality)


def test_nothing_is_saved() -> None:
    """Without a video the error says where it would go, and what is there."""
    with pytest.raises(
        ValidationError, match=r"^codec='h264', quality=20: no place.*SaveVideo.*has EmptyImage, SaveImage$"
    ):
        encode(STILL, "h264", 20)


def test_nothing_asked_changes_nothing() -> None:
    """None leaves codec and quality, also those of a graph that says its own."""
    for graph in (VIDEO, WEBM, VHS, encode(VIDEO, "h264", 20).graph):
        assert encode(graph).graph == graph
    assert encode(encode(VIDEO, "h264", 20).graph, "h264").graph == encode(VIDEO, "h264", 20).graph


def test_the_other_forms_of_a_codec_fail_the_check() -> None:
    """What people write for a crf is accepted by the server and dropped, or kills the run; the check says so."""
    for wrong in ({"codec.crf": 20}, {"codec": {"codec": "h264", "crf": 20}}, {"codec": "h265"}, {"crf": 20}):
        graph = {**VIDEO, "3": {**VIDEO["3"], "inputs": VIDEO["3"]["inputs"] | wrong}}
        assert not check(graph).ok, wrong
