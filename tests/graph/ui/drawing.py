"""Draw small workflows as a browser saves them."""

from __future__ import annotations

from typing import Any, TypeAlias

Source: TypeAlias = "tuple[int, int] | None"
Drawn: TypeAlias = "dict[str, Any]"


class Drawing:
    """Nodes and links of one canvas; a link is written where the input is."""

    def __init__(self) -> None:
        self.nodes: list[Drawn] = []
        self.links: list[list[Any]] = []

    def node(
        self,
        node_id: int,
        kind: str,
        values: object = None,
        inputs: dict[str, tuple[str, Source]] | None = None,
        outputs: tuple[str, ...] = (),
        *,
        widgets: dict[str, tuple[str, Source]] | None = None,
        **more: Any,
    ) -> Drawing:
        """Add a node.

        Args:
            inputs: sockets, with their type and where they come from.
            widgets: inputs that hold a value too.
        """
        saved = [self._input(node_id, place, *one) for place, one in enumerate((inputs or {}).items())]
        for place, one in enumerate((widgets or {}).items(), start=len(saved)):
            saved.append({**self._input(node_id, place, *one), "widget": {"name": one[0]}})
        node = {"id": node_id, "type": kind, "mode": 0, "inputs": saved, "properties": {}, **more}
        node["outputs"] = [{"name": one, "type": one, "links": []} for one in outputs]
        if values is not None:
            node["widgets_values"] = values
        self.nodes.append(node)
        return self

    def _input(self, node_id: int, place: int, name: str, about: tuple[str, Source]) -> Drawn:
        kind, source = about
        if source is not None:
            self.links.append([len(self.links) + 1, *source, node_id, place, kind])
        return {"name": name, "type": kind, "link": None if source is None else len(self.links)}

    def out(self, source: tuple[int, int], slot: int, kind: str) -> Drawing:
        """Link an inner node to an output of its subgraph."""
        self.links.append([len(self.links) + 1, *source, -20, slot, kind])
        return self

    def saved(self, *definitions: Drawn, **more: Any) -> Drawn:
        """Return the file."""
        last = max((node["id"] for node in self.nodes), default=0)
        inner = {"definitions": {"subgraphs": list(definitions)}} if definitions else {}
        return {"last_node_id": last, "nodes": self.nodes, "links": self.links, "version": 0.4, **inner, **more}

    def definition(self, name: str, inputs: dict[str, str], outputs: dict[str, str], **more: Any) -> Drawn:
        """Return what was drawn as the definition of a subgraph; links are objects there."""
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        return {
            "id": name,
            "name": name,
            "inputs": [
                {"name": one, "type": kind, "linkIds": [link[0] for link in self.links if link[1:3] == [-10, slot]]}
                for slot, (one, kind) in enumerate(inputs.items())
            ],
            "outputs": [
                {"name": one, "type": kind, "linkIds": [link[0] for link in self.links if link[3:5] == [-20, slot]]}
                for slot, (one, kind) in enumerate(outputs.items())
            ],
            "nodes": self.nodes,
            "links": [dict(zip(keys, link, strict=True)) for link in self.links],
            **more,
        }


def image_to_image() -> Drawing:
    """A sampler between a checkpoint and what is saved."""
    drawing = Drawing()
    drawing.node(4, "CheckpointLoaderSimple", ["sd.safetensors"], outputs=("MODEL", "CLIP", "VAE"))
    drawing.node(5, "EmptyLatentImage", [512, 768, 2], outputs=("LATENT",))
    for node_id, text in ((6, "a cat"), (7, "blurry")):
        drawing.node(node_id, "CLIPTextEncode", [text], {"clip": ("CLIP", (4, 1))}, ("CONDITIONING",))
    return drawing


def sampler(drawing: Drawing, values: object = None, **more: Any) -> Drawing:
    """Add a KSampler, node 3, and what saves its picture."""
    sources = {"model": ("MODEL", (4, 0)), "positive": ("CONDITIONING", (6, 0)), "negative": ("CONDITIONING", (7, 0))}
    inputs = {**sources, "latent_image": ("LATENT", (5, 0)), **more.pop("inputs", {})}
    usual = [5, "fixed", 20, 8.0, "euler", "normal", 1.0]
    drawing.node(3, "KSampler", usual if values is None else values, inputs, ("LATENT",), **more)
    drawing.node(8, "VAEDecode", None, {"samples": ("LATENT", (3, 0)), "vae": ("VAE", (4, 2))}, ("IMAGE",))
    return drawing.node(9, "SaveImage", ["ComfyUI"], {"images": ("IMAGE", (8, 0))})
