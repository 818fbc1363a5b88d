"""Every problem comes with what to do; a line of Python that is pasted gives a graph that the server takes."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest

from comfy_headless.graph.ages import since
from comfy_headless.graph.check import Report, check
from comfy_headless.graph.kinds import KINDS
from comfy_headless.graph.packs import packs
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.snapshot import packs as shipped_packs

Graph = dict[str, Any]

IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 0}}
SCALE = {
    "class_type": "ImageScale",
    "inputs": {"image": ["1", 0], "upscale_method": "area", "width": 8, "height": 8, "crop": "disabled"},
}
SAVE = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}}
PICTURE: Graph = {"1": IMAGE, "2": SCALE, "3": SAVE}
VIDEO: Graph = {
    "1": IMAGE,
    "2": {"class_type": "CreateVideo", "inputs": {"images": ["1", 0], "fps": 4.0}},
    "3": {"class_type": "SaveVideo", "inputs": {"video": ["2", 0], "filename_prefix": "x", "format": "auto"}},
}
FILES = Schemas.snapshot().with_files({"vae": ["wan/a.safetensors", "b.safetensors"]}, ["first.png"])
NEWER = Schemas({name: None for name in Schemas.snapshot() if name != "ImageScaleBy"}, Schemas.snapshot().raw)
DECODED: Graph = {
    "1": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
    "2": {"class_type": "VAELoader", "inputs": {"vae_name": "b.safetensors"}},
    "3": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": ["2", 0]}},
    "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
}


class Case(NamedTuple):
    """A broken graph, what a check finds in it, and what it says to do."""

    graph: Graph
    kind: str
    remedy: str
    schemas: Schemas | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.remedy[:40]}"


def _with(graph: Graph, node_id: str, **inputs: Any) -> Graph:
    changed = copy.deepcopy(graph)
    changed[node_id]["inputs"].update(inputs)
    return changed


def _without(graph: Graph, node_id: str, name: str) -> Graph:
    changed = copy.deepcopy(graph)
    del changed[node_id]["inputs"][name]
    return changed


def _class(graph: Graph, node_id: str, class_type: str) -> Graph:
    changed = copy.deepcopy(graph)
    changed[node_id]["class_type"] = class_type
    return changed


def _at(node_id: str, name: str) -> str:
    return f'graph["{node_id}"]["inputs"]["{name}"]'


CASES = [
    Case(
        _with(PICTURE, "2", crop="Center "),
        "value_not_in_list",
        f'{_at("2", "crop")} = "center"  # the nearest that there is',
    ),
    Case(
        _with(PICTURE, "2", crop="corner"),
        "value_not_in_list",
        f'{_at("2", "crop")} = "center"  # the nearest that there is',
    ),
    Case(
        _with(PICTURE, "2", crop=7),
        "value_not_in_list",
        f'{_at("2", "crop")} = "disabled"  # one of disabled, center',
    ),
    Case(
        _with(DECODED, "2", vae_name="a.safetensors"),
        "value_not_in_list",
        f'{_at("2", "vae_name")} = "wan/a.safetensors"  # the nearest that there is',
        FILES,
    ),
    Case(
        _with(PICTURE, "1", width=0),
        "value_smaller_than_min",
        f"{_at('1', 'width')} = 1  # the least that it takes; the most is 16384",
    ),
    Case(
        _with(PICTURE, "1", width=10**6),
        "value_bigger_than_max",
        f"{_at('1', 'width')} = 16384  # the most that it takes; the least is 1",
    ),
    Case(
        _with(PICTURE, "1", width="64px"),
        "invalid_input_type",
        f"{_at('1', 'width')} = 64  # a whole number",
    ),
    Case(
        _with(PICTURE, "1", width="wide"),
        "invalid_input_type",
        f"{_at('1', 'width')} = 512  # its default",
    ),
    Case(
        _without(PICTURE, "1", "width"),
        "required_input_missing",
        f"{_at('1', 'width')} = 512  # its default",
    ),
    Case(
        _without(PICTURE, "2", "image"),
        "required_input_missing",
        f'{_at("2", "image")} = ["1", 0]  # from node 1 (EmptyImage)',
    ),
    Case(
        _without(DECODED, "3", "vae"),
        "required_input_missing",
        f'{_at("3", "vae")} = ["2", 0]  # from node 2 (VAELoader)',
    ),
    Case(
        _with(PICTURE, "2", image=["1"]),
        "bad_linked_input",
        f'{_at("2", "image")} = ["1", 0]  # from node 1 (EmptyImage)',
    ),
    Case(
        _with(PICTURE, "2", width=[8]),
        "bad_linked_input",
        f"{_at('2', 'width')} = 8  # a whole number",
    ),
    Case(
        _with(PICTURE, "2", width=["1", 0]),
        "return_type_mismatch",
        f"{_at('2', 'width')} = 512  # its default",
    ),
    Case(
        _with(DECODED, "3", vae=["1", 0]),
        "return_type_mismatch",
        f'{_at("3", "vae")} = ["2", 0]  # from node 2 (VAELoader)',
    ),
    Case(
        _with(PICTURE, "3", images=["9", 0]),
        "exception_during_validation",
        f'{_at("3", "images")} = ["2", 0]  # from node 2 (ImageScale); or node 1 (EmptyImage)',
    ),
    Case(
        _with(PICTURE, "2", image=["1", 4]),
        "exception_during_inner_validation",
        f'{_at("2", "image")} = ["1", 0]  # from node 1 (EmptyImage)',
    ),
    Case(
        _with(PICTURE, "2", image=["2", 0]),
        "dependency_cycle",
        f'{_at("2", "image")} = ["1", 0]  # cuts the ring: from node 1 (EmptyImage)',
    ),
    Case(
        {
            "1": {"class_type": "LoadImage", "inputs": {"image": "firts.png"}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        },
        "custom_validation_failed",
        f'{_at("1", "image")} = "first.png"  # the nearest that there is, or bring your own into the server\'s input '
        "folder",
        FILES,
    ),
    Case(
        _class(PICTURE, "2", "imagescale"),
        "missing_node_type",
        'graph["2"]["class_type"] = "ImageScale"  # as the server spells it',
    ),
    Case(
        {**PICTURE, "4": {"class_type": "Note", "inputs": {}}},
        "missing_node_type",
        'del graph["4"]  # it does nothing',
    ),
    Case(
        {"1": IMAGE, "2": SCALE},
        "prompt_no_outputs",
        'graph["save"] = {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "ComfyUI"}}'
        "  # keeps what node 2 (ImageScale) makes",
    ),
    Case(
        {
            **PICTURE,
            "4": {
                "class_type": "ImageScaleBy",
                "inputs": {"image": ["1", 0], "scale_by": 2.0, "upscale_method": "area"},
                "_meta": {"title": "x"},
            },
            "5": {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}},
        },
        "class_replaced",
        'graph["4"].update(class_type="ResizeImageMaskNode", inputs={"resize_type": "scale by multiplier", '
        '"input": ["1", 0], "resize_type.multiplier": 2.0, "scale_method": "area"})',
        NEWER,
    ),
    Case(VIDEO, "dynamic_choice_missing", f'{_at("3", "codec")} = "auto"  # one of auto, h264'),
    Case(
        _with(VIDEO, "3", codec="av1"),
        "dynamic_choice_unknown",
        f'{_at("3", "codec")} = "auto"  # one of auto, h264',
    ),
    Case(
        _with(PICTURE, "3", images="a.png"),
        "link_expected",
        f'{_at("3", "images")} = ["2", 0]  # from node 2 (ImageScale); or node 1 (EmptyImage)',
    ),
    Case(_with(PICTURE, "3", mask=["9", 0]), "link_to_absent_node", f"del {_at('3', 'mask')}"),
    Case({**PICTURE, "4": IMAGE}, "node_unused", 'del graph["4"]'),
    Case(
        {**PICTURE, "4": {"class_type": "EmptyImage"}},
        "node_without_inputs",
        'del graph["4"]  # nothing takes anything from it',
    ),
    Case(_with(PICTURE, "1", seed=3), "unknown_input", f"del {_at('1', 'seed')}"),
    Case(_with(PICTURE, "1", width=63.7), "value_changed", f"{_at('1', 'width')} = 64  # a whole number"),
]


def _problems(report: Report) -> list[tuple[str, str]]:
    return [(problem.kind, problem.remedy) for problem in report.problems]


def pasted(graph: Graph, report: Report) -> Graph:
    """Return the graph with each line pasted that is Python."""
    changed = copy.deepcopy(graph)
    for problem in report.problems:
        if problem.remedy.startswith(("graph[", "del graph[")):
            try:
                exec(problem.remedy, {"graph": changed})
            except KeyError:
                continue  # a line before it has done the same
    return changed


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_line_mends_it(case: Case) -> None:
    """A broken graph has its problem with this remedy, and ends well once all that is said is pasted."""
    report = check(case.graph, case.schemas)
    assert (case.kind, case.remedy) in _problems(report)
    mended = check(pasted(case.graph, report), case.schemas)
    assert not mended.of("refused", "fails", "warning"), str(mended)


def test_every_line_can_be_pasted() -> None:
    """Names and values may hold quotes, line breaks and letters of any kind."""
    graph = _with(PICTURE, "3", **{'a"b\n\u2028': 1})
    report = check({**graph, 'x"\\': IMAGE})
    assert {kind for kind, _ in _problems(report)} == {"unknown_input", "node_unused"}
    assert check(pasted({**graph, 'x"\\': IMAGE}, report)).ok


def test_a_choice_brings_what_it_requires() -> None:
    """A dynamic choice that is put in brings what it requires in turn."""
    graph = {"1": IMAGE, "2": {"class_type": "ResizeImageMaskNode", "inputs": {"input": ["1", 0]}}, "3": SAVE}
    report = check(graph)
    assert report.problems[-1].remedy.startswith('graph["2"]["inputs"].update({"resize_type": "scale dimensions", ')
    assert check(pasted(graph, report)).ok


def test_a_choice_that_is_ignored_goes() -> None:
    """A wrong choice of an input that may be left out harms nothing, and is taken out."""
    graph = _with(VIDEO, "3", codec="h264", **{"codec.encoding": "fast"})
    (problem,) = check(graph).problems
    assert (problem.severity, problem.remedy) == ("warning", f"del {_at('3', 'codec.encoding')}")


def test_where_nothing_gives_a_type_classes_are_named() -> None:
    """Without a node that gives what is missing, the remedy names the usual ones that the server has."""
    graph = {name: node for name, node in DECODED.items() if name != "2"}
    del graph["3"]
    graph["3"] = {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0]}}
    (problem,) = check(graph).problems
    assert problem.remedy == (
        'no node of the graph gives VAE for graph["3"]["inputs"]["vae"]; VAELoader and CheckpointLoaderSimple do'
    )


def test_a_source_never_closes_a_ring() -> None:
    """A node that depends on the broken one is not offered as its source."""
    graph = _without({**PICTURE, "4": _class({"4": SCALE}, "4", "ImageScale")["4"]}, "2", "image")
    graph["4"] = {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}}
    remedy = next(problem.remedy for problem in check(graph).problems if problem.kind == "required_input_missing")
    assert remedy == f'{_at("2", "image")} = ["1", 0]  # from node 1 (EmptyImage)'


@pytest.mark.parametrize(
    ("class_type", "remedy"),
    [
        (
            "VHS_VideoCombine",
            "git clone https://github.com/Kosinkadink/ComfyUI-VideoHelperSuite "
            "ComfyUI/custom_nodes/ComfyUI-VideoHelperSuite && python -m pip install -r "
            "ComfyUI/custom_nodes/ComfyUI-VideoHelperSuite/requirements.txt"
            "  # node pack ComfyUI-VideoHelperSuite; then restart ComfyUI",
        ),
        (
            "RIFE VFI",
            "git clone https://github.com/Fannovel16/ComfyUI-Frame-Interpolation "
            "ComfyUI/custom_nodes/ComfyUI-Frame-Interpolation"
            "  # node pack ComfyUI-Frame-Interpolation; then restart ComfyUI",
        ),
        ("Reroute", "open the workflow in ComfyUI and export it anew: Workflow > Export (API)"),
        ("Zzyzx", "no pack that is known brings 'Zzyzx': ComfyUI-Manager may, Install Missing Custom Nodes"),
    ],
)
def test_a_missing_class_says_where_it_is_had(class_type: str, remedy: str) -> None:
    """A class of a known pack comes with the command that installs it; one that nobody knows says so."""
    problem = next(each for each in check(_class(PICTURE, "2", class_type)).problems)
    assert problem.kind == "missing_node_type" and problem.remedy == remedy


def test_a_class_that_was_renamed() -> None:
    """A class that ComfyUI has under another name now is called by that, and by the old one on an older server."""
    lora = {"class_type": "SaveLoRANode", "inputs": {}}
    assert check({"1": lora}).problems[0].remedy == 'graph["1"]["class_type"] = "SaveLoRA"  # it is called so there'
    core = Schemas.snapshot()
    old = {"SaveLoRANode" if name == "SaveLoRA" else name: core.raw(name) for name in core}
    remedy = check({"1": {**lora, "class_type": "SaveLoRA"}}, old).problems[0].remedy
    assert remedy == 'graph["1"]["class_type"] = "SaveLoRANode"  # it is called so there'


def test_a_misspelt_class_of_a_pack_is_named() -> None:
    """A class that only resembles one of a pack names that one."""
    remedy = check(_class(PICTURE, "2", "VHS_VideoCombin")).problems[0].remedy
    assert remedy.startswith("did you mean VHS_VideoCombine? git clone https://github.com/Kosinkadink/")


def test_a_class_of_a_newer_server() -> None:
    """A server that is too old for a class of ComfyUI's own is to be updated, to the version that brought it."""
    core = Schemas.snapshot()
    old = Schemas({name: None for name in core if name != "ImageScale"}, core.raw)
    update = "git -C ComfyUI pull && python -m pip install -r ComfyUI/requirements.txt"
    first = since("ImageScale")
    assert check(PICTURE, old).problems[0].remedy == f"{update}  # ComfyUI has ImageScale since {first}"
    told = check(PICTURE, old, came_in={"ImageScale": "9.9"}).problems[0].remedy
    assert told == f"{update}  # ComfyUI has ImageScale since 9.9"


def test_a_partners_node() -> None:
    """A server without the nodes of ComfyUI's partners may have been started so."""
    core = Schemas.snapshot()
    without = Schemas({name: None for name in core if name != "KlingTextToVideoNode"}, core.raw)
    remedy = check(_class(PICTURE, "2", "KlingTextToVideoNode"), without).problems[0].remedy
    assert remedy.startswith("a partner's node: start ComfyUI without --disable-api-nodes, or update it: git -C ")


def test_an_older_server_has_the_older_class() -> None:
    """Where only the class is there that a newer one has replaced, the remedy puts that in, with its inputs."""
    core = Schemas.snapshot()
    nodes = {name: core.raw(name) for name in core if name != "BatchImagesNode"}
    two = {"required": {"image1": ["IMAGE"], "image2": ["IMAGE"]}}
    nodes["ImageBatch"] = {"input": two, "output": ["IMAGE"], "python_module": "nodes"}
    graph = {
        "1": IMAGE,
        "2": {"class_type": "BatchImagesNode", "inputs": {"images.image0": ["1", 0], "images.image1": ["1", 0]}},
        "3": SAVE,
    }
    report = check(graph, nodes)
    assert report.problems[0].remedy == (
        'graph["2"].update(class_type="ImageBatch", inputs={"image1": ["1", 0], "image2": ["1", 0]})'
        "  # the server is older and has ImageBatch instead"
    )
    assert check(pasted(graph, report), nodes).ok


def test_a_dropped_output_says_why() -> None:
    """An output that is dropped for a node above it is a problem of its own, and names that node."""
    graph = {**PICTURE, "4": _with({"4": IMAGE}, "4", width=0)["4"]}
    graph["5"] = {"class_type": "PreviewImage", "inputs": {"images": ["4", 0]}}
    report = check(graph)
    assert report.status == 200 and report.fails and report.accepted == ("3",)
    assert [(each.node_id, each.kind, each.severity) for each in report.problems] == [
        ("4", "value_smaller_than_min", "refused"),
        ("5", "output_dropped", "fails"),
    ]
    assert report.problems[1].remedy == "mend what is wrong with node 4, which it needs"
    assert check(pasted(graph, report)).ok


@pytest.mark.parametrize(
    ("graph", "fails"),
    [
        (PICTURE, False),
        ({**PICTURE, "4": IMAGE}, False),
        (_with(PICTURE, "1", seed=3), False),
        (VIDEO, True),
        (_with(PICTURE, "1", width=0), True),
        ({}, True),
    ],
)
def test_what_ends_a_job(graph: Graph, fails: bool) -> None:
    """What is refused or dies when it runs fails; a warning or a note does not."""
    report = check(graph)
    assert report.fails is fails
    assert report.of("refused", "fails", "warning", "note") == report.problems
    assert bool(report.of("refused", "fails")) is fails


def test_a_report_as_json() -> None:
    """A report is JSON-ready, with the severity and remedy of each problem; as text the remedy is the line below."""
    report = check(_with(PICTURE, "1", width=0))
    line = f"{_at('1', 'width')} = 1  # the least that it takes; the most is 16384"
    assert report.to_dict() == {
        "ok": False,
        "fails": True,
        "status": 400,
        "accepted": [],
        "problems": [
            {
                "severity": "refused",
                "kind": "value_smaller_than_min",
                "node_id": "1",
                "class_type": "EmptyImage",
                "input": "width",
                "message": "Value 0 smaller than min of 1",
                "details": "width",
                "refused": True,
                "remedy": line,
            }
        ],
    }
    assert str(report) == f"node 1 (EmptyImage): Value 0 smaller than min of 1: width\n  {line}"


def test_the_kinds_are_told() -> None:
    """Each kind that the server accepts has a severity of the three that are left, and a sentence."""
    assert {kind.severity for kind in KINDS.values()} == {"fails", "warning", "note"}
    assert all(kind.meaning[0].isupper() and not kind.meaning.endswith(".") for kind in KINDS.values())


def test_the_data_of_packs() -> None:
    """Each pack has a repository, the commits it was read at, and classes, each of them once and none of ComfyUI's."""
    core = Schemas.snapshot()
    assert len(packs()) >= 40
    for name, pack in packs().items():
        owner, _, repository = pack.repository.partition("/")
        assert owner and repository == name and pack.commits
        assert all(len(commit) == 10 and int(commit, 16) >= 0 for commit in pack.commits)
        assert list(pack.classes) == sorted(set(pack.classes)) and pack.classes
        assert [each for each in pack.classes if each in core or not each.strip() or len(each) > 80] == []


def test_shipped_packs_are_among_them() -> None:
    """The packs whose schemas are shipped are known by the same name, with every class of theirs."""
    for name in Schemas.packs():
        assert set(shipped_packs().packs[name]["classes"]) <= set(packs()[name].classes), name
