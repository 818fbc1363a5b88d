"""graph/ui/pack_nodes.py: what packs do in the browser to nodes that a server has."""

from __future__ import annotations

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert_with_warnings
from tests.graph.ui.drawing import Drawing

OWN = Schemas.from_object_info(
    {
        name: {"input": {"optional": {"model": ["MODEL", {}]}}, "output": ["MODEL"], "python_module": "custom_nodes.x"}
        for name in ("Power Lora Loader (rgthree)", "Anything Everywhere", "Loader")
    }
)


def test_the_rows_of_a_lora_loader_are_sent() -> None:
    """Each by its number; what stands between them is the page's."""
    rows = [{"on": True, "lora": f"{name}.safetensors", "strength": 1} for name in "ab"]
    saved = [{}, {"type": "PowerLoraLoaderHeaderWidget"}, *rows, {}, ""]
    graph, warnings = convert_with_warnings(Drawing().node(1, "Power Lora Loader (rgthree)", saved).saved(), OWN)
    assert graph["1"]["inputs"] == {"lora_1": rows[0], "lora_2": rows[1]}
    assert warnings == ()


def test_what_links_by_itself_is_told() -> None:
    """The file does not have those links."""
    drawing = Drawing().node(1, "Loader").node(2, "Anything Everywhere", None, {"model": ("MODEL", (1, 0))})
    graph, warnings = convert_with_warnings(drawing.saved(), OWN)
    assert graph["2"]["inputs"] == {"model": ["1", 0]}
    assert warnings[0].startswith("node 2 (Anything Everywhere): what it links in the browser is not in the file")
