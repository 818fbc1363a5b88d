"""Uploads, /view, and what the save nodes write."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from comfy_headless.graph.schemas import Schemas
from comfy_headless.media.probe import probe
from comfy_headless.simulator import Simulator
from comfy_headless.simulator.folders import Folders, OutsideFolderError
from tests.simulator.talk import SAMPLER_FILES, Talk, image_graph, node, sampler_graph, talking, video_graph


@pytest.fixture
def sim() -> Iterator[Simulator]:
    """A simulator with one checkpoint."""
    with Simulator(files=SAMPLER_FILES) as simulator:
        yield simulator


@pytest.fixture
def talk(sim: Simulator) -> Iterator[Talk]:
    """A plain client of it."""
    with talking(sim.url) as client:
        yield client


def png(color: str = "red", *, alpha: int = 255) -> bytes:
    """Return a small picture."""
    buffer = io.BytesIO()
    made = Image.new("RGB", (30, 20), color)
    if alpha < 255:
        made.putalpha(alpha)
    made.save(buffer, format="PNG")
    return buffer.getvalue()


def test_an_upload_joins_the_list_and_gives_its_size(talk: Talk) -> None:
    """LoadImage's choices show it at once, and a result made from it has its size."""
    answer = talk.http.post("/upload/image", files={"image": ("cat.png", png())})
    assert answer.json() == {"name": "cat.png", "subfolder": "", "type": "input"}
    info = talk.http.get("/object_info/LoadImage").json()["LoadImage"]
    assert "cat.png" in str(info["input"]["required"]["image"])
    graph = {"1": node("LoadImage", image="cat.png"), "2": node("SaveImage", images=["1", 0], filename_prefix="p")}
    made = talk.run(graph)["outputs"]["2"]["images"][0]
    with Image.open(io.BytesIO(talk.fetch(made).content)) as picture:
        assert picture.size == (30, 20)
    missing = {**graph, "1": node("LoadImage", image="dog.png")}
    answer = talk.http.post("/prompt", json={"prompt": missing})
    assert answer.json()["node_errors"]["1"]["errors"][0]["details"] == "image - Invalid image file: dog.png"


@pytest.mark.parametrize(
    ("content", "exception"),
    [(b"no picture", "PIL.UnidentifiedImageError"), (b"", "av.error.InvalidDataError")],
)
def test_a_file_that_is_no_picture_fails_where_it_is_loaded(talk: Talk, content: bytes, exception: str) -> None:
    """The job is taken, and ends with an error of the node that loads (types measured on ComfyUI 0.30.0)."""
    talk.http.post("/upload/image", files={"image": ("bad.png", content)})
    graph = {"1": node("LoadImage", image="bad.png"), "2": node("SaveImage", images=["1", 0], filename_prefix="p")}
    status = talk.run(graph)["status"]
    assert status["status_str"] == "error"
    kind, data = status["messages"][-1]
    assert (kind, data["node_id"], data["node_type"]) == ("execution_error", "1", "LoadImage")
    assert data["exception_type"] == exception


@pytest.mark.parametrize(
    ("wanted", "kind"), [("webp;90", "WEBP"), ("jpeg;90", "JPEG"), ("jpeg", "JPEG"), ("bmp", "WEBP")]
)
def test_view_encodes_previews_anew(talk: Talk, wanted: str, kind: str) -> None:
    """A picture comes in its own size as webp or jpeg; a file that is none is a 500."""
    talk.http.post("/upload/image", files={"image": ("cat.png", png())})
    talk.http.post("/upload/image", files={"image": ("bad.png", b"no picture")})
    answer = talk.http.get("/view", params={"filename": "cat.png", "type": "input", "preview": wanted})
    assert answer.headers["Content-Type"] == f"image/{kind.lower()}"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert (picture.format, picture.size) == (kind, (30, 20))
    assert talk.http.get("/view", params={"filename": "bad.png", "type": "input", "preview": wanted}).status_code == 500


def test_view_gives_colours_and_transparency_apart(talk: Talk) -> None:
    """`channel=rgb` is without transparency, `channel=a` black with it; another word is the file as it is."""
    content = png(alpha=77)
    talk.http.post("/upload/image", files={"image": ("cat.png", content)})
    query = {"filename": "cat.png", "type": "input"}
    drawn = []
    for channel in ("rgb", "a"):
        with Image.open(io.BytesIO(talk.http.get("/view", params={**query, "channel": channel}).content)) as picture:
            drawn.append((picture.mode, picture.getpixel((0, 0))))
    assert drawn == [("RGB", (255, 0, 0)), ("RGBA", (0, 0, 0, 77))]
    assert talk.http.get("/view", params={**query, "channel": "rgba"}).content == content


def test_a_mask_is_pasted_into_the_picture_it_was_drawn_for(talk: Talk, sim: Simulator) -> None:
    """Its transparency is taken, the colours and texts stay; without the picture the answer is the same, not the file.

    That is what ComfyUI 0.30.0 does (tests/conformance/test_answers_files.py).
    """
    talk.http.post("/upload/image", files={"image": ("cat.png", png())})
    for name, original in (("mask.png", "cat.png"), ("lost.png", "dog.png")):
        data = {"original_ref": json.dumps({"filename": original, "type": "input"})}
        answer = talk.http.post("/upload/mask", files={"image": (name, png("blue", alpha=9))}, data=data)
        assert answer.json() == {"name": name, "subfolder": "", "type": "input"}
    with Image.open(sim.input_folder / "mask.png") as picture:
        assert picture.getpixel((0, 0)) == (255, 0, 0, 9)
    assert not (sim.input_folder / "lost.png").exists()


def test_a_body_above_the_limit_is_a_413() -> None:
    """Of uploads and of graphs; /features tells the limit in bytes."""
    with Simulator(files={}, max_upload_mb=0.5) as simulator, talking(simulator.url) as talk:
        assert talk.http.get("/features").json()["max_upload_size"] == 524288
        answer = talk.http.post("/upload/image", files={"image": ("a.png", bytes(600000))})
        assert (answer.status_code, answer.text) == (413, "Maximum request body size 524288 exceeded.")
        answer = talk.http.post("/prompt", json={"prompt": image_graph(), "more": "x" * 600000})
        assert (answer.status_code, answer.text) == (413, "Maximum request body size 524288 exceeded.")


def test_a_new_upload_of_the_same_name_makes_the_graph_run_again(talk: Talk) -> None:
    """What is loaded belongs to what is remembered."""
    graph = {"1": node("LoadImage", image="a.png"), "2": node("SaveImage", images=["1", 0], filename_prefix="p")}
    talk.http.post("/upload/image", files={"image": ("a.png", png())})
    first = talk.run(graph)["outputs"]
    assert talk.run(graph)["outputs"] == first
    talk.http.post("/upload/image", files={"image": ("a.png", png("blue"))}, data={"overwrite": "true"})
    assert talk.run(graph)["outputs"] != first


def test_same_name_same_content_is_one_file_and_other_content_another(talk: Talk, sim: Simulator) -> None:
    """The second content gets `name (1).ext`; overwrite replaces."""

    def upload(content: bytes, **data: str) -> str:
        answer = talk.http.post("/upload/image", files={"image": ("a.png", content)}, data=data)
        name: str = answer.json()["name"]
        return name

    assert [upload(b"one"), upload(b"one"), upload(b"two"), upload(b"two")] == ["a.png", "a.png"] + ["a (1).png"] * 2
    assert upload(b"three", overwrite="true") == "a.png"
    assert (sim.input_folder / "a.png").read_bytes() == b"three"
    answer = talk.http.post("/upload/image", files={"image": ("b.png", b"x")}, data={"subfolder": "in/ner"})
    assert answer.json() == {"name": "b.png", "subfolder": "in/ner", "type": "input"}
    assert (sim.input_folder / "in/ner/b.png").is_file()


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ({"other": ("a.png", b"x")}, {}),
        ({"image": ("../a.png", b"x")}, {}),
        ({"image": ("a.png", b"x")}, {"subfolder": "../.."}),
        ({"image": ("a.png", b"x")}, {"subfolder": "/etc"}),
    ],
)
def test_an_upload_without_a_place_is_a_400(talk: Talk, files: Any, data: dict[str, str]) -> None:
    """No image field, or a name that leads out of the folder."""
    answer = talk.http.post("/upload/image", files=files, data=data)
    assert (answer.status_code, answer.text) == (400, "")


def test_view_serves_ranges_etags_and_heads(talk: Talk) -> None:
    """Part of a file, not modified, length only, and an unsatisfiable range."""
    made = talk.run(video_graph())["outputs"]["3"]["images"][0]
    whole = talk.fetch(made)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert whole.headers["Content-Disposition"] == 'filename="clip_00001_.mp4"'
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    for asked, part in [("0-99", whole.content[:100]), ("-10", whole.content[-10:]), ("50-", whole.content[50:])]:
        answer = talk.http.get("/api/view", params=made, headers={"Range": f"bytes={asked}"})
        assert (answer.status_code, answer.content) == (206, part)
    for asked in ("999999-", "0-1,4-5"):
        assert talk.http.get("/view", params=made, headers={"Range": f"bytes={asked}"}).status_code == 416
    etag = whole.headers["Etag"]
    assert talk.http.get("/view", params=made, headers={"If-None-Match": etag}).status_code == 304
    head = talk.http.head("/view", params=made)
    assert (head.status_code, int(head.headers["Content-Length"]), head.content) == (200, len(whole.content), b"")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("filename=nope.png", 404),
        ("filename=", 400),
        ("filename=/etc/passwd", 400),
        ("filename=..%2Fx.png", 400),
        ("filename=x.png&type=nowhere", 400),
        ("filename=x.png&subfolder=..", 403),
        ("filename=x.png&subfolder=/etc", 403),
        ("filename=pic_00001_.png", 200),
        ("filename=pic_00001_.png%20%5Boutput%5D&type=input", 200),
        ("filename=any/where/pic_00001_.png", 200),
    ],
)
def test_view_checks_names(talk: Talk, query: str, status: int) -> None:
    """The statuses of the real server; a directory in the file name is dropped."""
    talk.run(image_graph())
    assert talk.http.get(f"/view?{query}").status_code == status


def test_names_are_numbered_and_keep_their_subfolder(tmp_path: Path) -> None:
    """The next free number, prefix words filled in, nothing outside the folder."""
    folders = Folders(*(tmp_path / name for name in ("in", "out", "temp", "user", "base")))
    folders.create()
    for name in ("a_00001_.png", "a_00007_.mp4", "a_x.png", "ab_00009_.png", "A_00008_.png"):
        (folders.output / name).touch()
    assert folders.slot("a", "output").file("png") == "a_00009_.png"
    slot = folders.slot("video/%width%x%height%", "output", width=64, height=48)
    assert (slot.subfolder, slot.file("mp4"), slot.folder) == ("video", "64x48_00001_.mp4", folders.output / "video")
    assert "%" not in folders.slot("%year%-%month%-%day% %hour%.%minute%.%second%", "output").name
    for prefix in ("../x", "/etc/x", "a/../../x"):
        with pytest.raises(OutsideFolderError):
            folders.slot(prefix, "output")


def test_a_prefix_that_leads_out_fails_the_job(talk: Talk) -> None:
    """As on the real server the save node raises."""
    error = talk.run(image_graph(prefix="../../x"))["status"]["messages"][-1][1]
    assert error["node_type"] == "SaveImage"
    assert "outside the output folder" in error["exception_message"]


def made_by(talk: Talk, sim: Simulator, **inputs: Any) -> tuple[dict[str, Any], list[Path]]:
    """Run one save node behind a decoded 64x64x3 latent; return its report and files."""
    graph = sampler_graph()
    del graph["7"]
    graph["8"] = inputs.pop("node")
    report = talk.run(graph)["outputs"]["8"]
    entries = next(iter(report.values()))
    folders = {"output": sim.output_folder, "temp": sim.output_folder.parent / "temp"}
    return report, [folders[entry["type"]] / entry["subfolder"] / entry["filename"] for entry in entries]


def test_video_nodes_write_videos(talk: Talk, sim: Simulator) -> None:
    """SaveWEBM in both codecs: size, frames, rate; reported as images with animated."""
    for codec in ("vp9", "av1"):
        saving = node("SaveWEBM", images=["6", 0], filename_prefix="w", codec=codec, fps=12.0, crf=32.0)
        report, (path,) = made_by(talk, sim, node=saving)
        assert report["animated"] == [True]
        seen = probe(path)
        assert (seen.width, seen.height, seen.frames, seen.fps) == (64, 64, 3, 12.0)
        assert '"KSampler"' in seen.metadata["PROMPT"]


@pytest.mark.parametrize(
    ("saving", "suffix", "kind"),
    [
        (
            node(
                "SaveAnimatedWEBP",
                images=["6", 0],
                filename_prefix="w",
                fps=8.0,
                lossless=False,
                quality=80,
                method="default",
            ),
            ".webp",
            "output",
        ),
        (node("SaveAnimatedPNG", images=["6", 0], filename_prefix="p", fps=8.0, compress_level=4), ".png", "output"),
        (node("SaveImage", images=["6", 0], filename_prefix="i"), ".png", "output"),
        (node("PreviewImage", images=["6", 0]), ".png", "temp"),
    ],
)
def test_picture_nodes_write_pictures(
    talk: Talk, sim: Simulator, saving: dict[str, Any], suffix: str, kind: str
) -> None:
    """Animated ones are one file with all frames, still ones a file per frame."""
    report, paths = made_by(talk, sim, node=saving)
    assert {entry["type"] for entry in report["images"]} == {kind}
    assert {path.suffix for path in paths} == {suffix}
    frames = 0
    for path in paths:
        with Image.open(path) as picture:
            assert picture.size == (64, 64)
            frames += getattr(picture, "n_frames", 1)
    assert frames == 3
    assert ("animated" in report) == (len(paths) == 1)


@pytest.mark.parametrize(
    ("class_type", "more", "suffix"),
    [
        ("SaveAudio", {}, ".flac"),
        ("SaveAudioMP3", {"quality": "V0"}, ".mp3"),
        ("SaveAudioOpus", {"quality": "128k"}, ".opus"),
        ("PreviewAudio", None, ".flac"),
    ],
)
def test_sound_nodes_write_sound(talk: Talk, sim: Simulator, class_type: str, more: Any, suffix: str) -> None:
    """As long as the sound was asked for."""
    inputs = {"audio": ["1", 0], **({} if more is None else {"filename_prefix": "s", **more})}
    graph = {
        "1": node("EmptyAudio", duration=1.5, sample_rate=44100, channels=2),
        "2": node(class_type, **inputs),
    }
    (entry,) = talk.run(graph)["outputs"]["2"]["audio"]
    path = (sim.output_folder if more is not None else sim.output_folder.parent / "temp") / entry["filename"]
    assert path.suffix == suffix
    sound = probe(path).audio
    assert sound is not None
    assert sound.duration == pytest.approx(1.5, abs=0.06)


def test_text_is_shown_as_it_was_given(talk: Talk) -> None:
    """PreviewAny reports text."""
    graph = {"1": node("PrimitiveString", value="hello"), "2": node("PreviewAny", source=["1", 0])}
    assert talk.run(graph)["outputs"] == {"2": {"text": ["hello"]}}


def test_a_server_can_have_schemas_of_its_own() -> None:
    """With `object_info` it has these classes and no others, and runs what it knows of them."""
    packed = Schemas.snapshot("ComfyUI-VideoHelperSuite")
    schemas = {name: packed.raw(name) for name in ("EmptyImage", "VHS_VideoCombine")}
    graph = combine_graph()
    del graph["2"]
    with Simulator(object_info=schemas) as sim, talking(sim.url) as talk:
        assert talk.http.get("/object_info").json().keys() == schemas.keys()
        assert talk.run(graph)["outputs"]["3"]["gifs"]


def test_a_video_keeps_its_prompt_inside(talk: Talk, sim: Simulator) -> None:
    """The mp4's tags hold the graph and the workflow, as ComfyUI writes them."""
    talk.run(video_graph(prefix="v"), extra_data={"extra_pnginfo": {"workflow": {"id": "w1"}}})
    seen = probe(sim.output_folder / "v_00001_.mp4")
    assert '"SaveVideo"' in seen.metadata["prompt"]
    assert seen.metadata["workflow"] == '{"id": "w1"}'
    assert (seen.width, seen.height, seen.frames, seen.fps) == (64, 48, 5, 8.0)


def combine_graph(**asked: Any) -> dict[str, Any]:
    """Return a graph that combines five pictures and a sound with VideoHelperSuite."""
    combine = {
        "images": ["1", 0],
        "frame_rate": 8.0,
        "loop_count": 0,
        "filename_prefix": "clips/c",
        "format": "video/h264-mp4",
        "pingpong": False,
        "save_output": True,
        **asked,
    }
    return {
        "1": node("EmptyImage", width=64, height=48, batch_size=5, color=0),
        "2": node("EmptyAudio", duration=2.0, sample_rate=44100, channels=2),
        "3": node("VHS_VideoCombine", **combine),
    }


def test_videohelpersuite_writes_a_picture_and_a_video(talk: Talk, sim: Simulator) -> None:
    """Its report is "gifs" with one file, and beside the video lies a picture that holds the workflow."""
    (made,) = talk.run(combine_graph(pingpong=True))["outputs"]["3"]["gifs"]
    assert (made["filename"], made["subfolder"], made["type"]) == ("c_00001.mp4", "clips", "output")
    assert (made["format"], made["frame_rate"], made["workflow"]) == ("video/h264-mp4", 8.0, "c_00001.png")
    assert made["fullpath"] == str(sim.output_folder / "clips/c_00001.mp4")
    seen = probe(sim.output_folder / "clips/c_00001.mp4")
    assert (seen.width, seen.height, seen.frames, seen.fps, seen.audio) == (64, 48, 8, 8.0, None)
    with Image.open(sim.output_folder / "clips/c_00001.png") as picture:
        assert "VHS_VideoCombine" in picture.text["prompt"]  # type: ignore[attr-defined]


def test_videohelpersuite_writes_sound_into_a_second_file(talk: Talk, sim: Simulator) -> None:
    """With sound the report names the second file; what is not saved lies in the temporary folder."""
    (made,) = talk.run(combine_graph(audio=["2", 0], save_output=False))["outputs"]["3"]["gifs"]
    assert (made["filename"], made["type"]) == ("c_00001-audio.mp4", "temp")
    seen = probe(made["fullpath"])
    assert seen.audio is not None
    assert (seen.audio.rate, round(seen.audio.duration, 1), seen.frames) == (44100, 0.6, 5)
    (webm,) = talk.run(combine_graph(audio=["2", 0], format="video/webm"))["outputs"]["3"]["gifs"]
    assert probe(webm["fullpath"]).audio is not None


@pytest.mark.parametrize(
    ("wanted", "suffix"),
    [
        *(("image/gif", ".gif"), ("image/webp", ".webp"), ("video/webm", ".webm")),
        *(("video/h265-mp4", ".mp4"), ("video/ProRes", ".mov"), ("video/ffmpeg-gif", ".gif")),
    ],
)
def test_videohelpersuite_names_a_file_by_its_format(talk: Talk, wanted: str, suffix: str) -> None:
    """The end of a format's name is the file's suffix, but for ProRes."""
    (entry,) = talk.run(combine_graph(format=wanted))["outputs"]["3"]["gifs"]
    assert entry.keys() == {"filename", "subfolder", "type", "format", "frame_rate", "workflow", "fullpath"}
    assert (entry["filename"], entry["workflow"]) == (f"c_00001{suffix}", "c_00001.png")
    assert len(talk.fetch(entry).content) > 100
