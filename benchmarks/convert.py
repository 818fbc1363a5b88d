"""How long converting a workflow of 200 nodes takes, warm; and how often ours and comfy-cli do what the page does.

    python -m benchmarks.convert
    python -m venv elsewhere && elsewhere/bin/pip install comfy-cli==1.23.0
    python -m benchmarks.convert --comfy elsewhere/bin/comfy [--every 5]

The workflow has subgraphs with values of their own, bypassed nodes, reroutes and primitives; 20 ms is the limit, and
the ratio is to one round trip of the same workflow through Python's json, which holds on any machine.

With ``--comfy`` both convert ComfyUI's official workflows (`tests/conformance/official.json`), with the node classes of
a ComfyUI 0.30.0 that is started. Right is what ComfyUI's own page sends; what of comfy-cli differs in the titles of
nodes alone is counted apart. comfy-cli is under the GPL: it is run as a program of its own. Exit code 1 over the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.ui.convert import convert
from tests.conformance.comfyui.server import RealServer, get
from tests.conformance.comfyui.templates import official_workflows
from tests.conformance.test_official import OFFICIAL
from tests.graph.ui.canonical import differences, digest

LIMIT_MS = 20.0
ROUNDS = 51
STAGES = 14
UUID = "6a1f0c52-7a54-4f0e-9a44-0c9a8f1b2d3e"
Workflow = dict[str, Any]


def milliseconds(function: Callable[[], object]) -> float:
    """Median time of a call, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def node(
    node_id: int, kind: str, values: list[Any], inputs: Mapping[str, Any], outputs: str, mode: int = 0
) -> Workflow:
    """Return one node; inputs are name -> (type, link, whether it is a widget too)."""
    saved = []
    for name, (kind_of, link, widget) in inputs.items():
        saved.append({"name": name, "type": kind_of, "link": link, **({"widget": {"name": name}} if widget else {})})
    made = [{"name": each, "type": each, "links": []} for each in outputs.split()]
    return {"id": node_id, "type": kind, "mode": mode, "inputs": saved, "outputs": made, "widgets_values": values}


def two_hundred_nodes() -> Workflow:
    """Return a workflow that sends some 200 nodes, half of them out of subgraphs."""
    nodes, links = [node(1, "CheckpointLoaderSimple", ["a.safetensors"], {}, "MODEL CLIP VAE")], []

    def link(origin: int, slot: int, target: int, place: int, kind: str) -> int:
        links.append([len(links) + 1, origin, slot, target, place, kind])
        return len(links)

    model, latent = 1, 0
    for stage in range(STAGES):
        first = 10 + stage * 20
        lora, reroute, text, other, empty, sampler, decode, save, seed = range(first, first + 9)
        mode = 4 if stage % 4 == 3 else 0
        through = {"model": ("MODEL", link(model, 0, lora, 0, "MODEL"), False)}
        nodes.append(node(lora, "LoraLoaderModelOnly", ["b.safetensors", 0.5], through, "MODEL", mode))
        nodes.append(node(reroute, "Reroute", [], {"": ("*", link(lora, 0, reroute, 0, "MODEL"), False)}, "MODEL"))
        for each, words in ((text, "a lighthouse, {tall} // words"), (other, "blurry")):
            clip = {"clip": ("CLIP", link(1, 1, each, 0, "CLIP"), False), "text": ("STRING", None, True)}
            nodes.append(node(each, UUID, [words], clip, "CONDITIONING"))
        nodes.append(node(empty, "EmptyLatentImage", [512, 512, 1], {}, "LATENT"))
        nodes.append(node(seed, "PrimitiveNode", [stage, "fixed"], {}, "INT"))
        inputs = {
            "model": ("MODEL", link(reroute, 0, sampler, 0, "MODEL"), False),
            "positive": ("CONDITIONING", link(text, 0, sampler, 1, "CONDITIONING"), False),
            "negative": ("CONDITIONING", link(other, 0, sampler, 2, "CONDITIONING"), False),
            "latent_image": ("LATENT", link(latent or empty, 0, sampler, 3, "LATENT"), False),
            "seed": ("INT", link(seed, 0, sampler, 4, "INT"), True),
        }
        nodes[-1]["outputs"][0]["links"] = [len(links)]
        values = [0, "randomize", 20, 7.5, "euler", "normal", 1.0]
        nodes.append(node(sampler, "KSampler", values, inputs, "LATENT"))
        inputs = {
            "samples": ("LATENT", link(sampler, 0, decode, 0, "LATENT"), False),
            "vae": ("VAE", link(1, 2, decode, 1, "VAE"), False),
        }
        nodes.append(node(decode, "VAEDecode", [], inputs, "IMAGE"))
        images = {"images": ("IMAGE", link(decode, 0, save, 0, "IMAGE"), False)}
        nodes.append(node(save, "SaveImage", ["%KSampler.steps%"], images, ""))
        model, latent = reroute, sampler
    return {"version": 0.4, "last_node_id": 999, "nodes": nodes, "links": links, "definitions": definitions()}


def definitions() -> Workflow:
    """Return a subgraph of five nodes: a prompt in four ranges of the steps."""
    text = {"clip": ("CLIP", 1, False), "text": ("STRING", 2, True)}
    nodes = [node(1001, "CLIPTextEncode", [""], text, "CONDITIONING")]
    links = [(1, -10, 0, 1001, 0, "CLIP"), (2, -10, 1, 1001, 1, "STRING")]
    for step in range(1, 5):
        target = 1001 + step
        links.append((2 + step, target - 1, 0, target, 0, "CONDITIONING"))
        taken = {"conditioning": ("CONDITIONING", 2 + step, False)}
        nodes.append(node(target, "ConditioningSetTimestepRange", [0.1 * step, 1.0], taken, "CONDITIONING"))
    links.append((7, 1005, 0, -20, 0, "CONDITIONING"))
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    slots = [
        {"id": "one", "name": "clip", "type": "CLIP", "linkIds": [1]},
        {"id": "two", "name": "text", "type": "STRING", "linkIds": [2]},
    ]
    out = [{"id": "three", "name": "CONDITIONING", "type": "CONDITIONING", "linkIds": [7]}]
    named = [dict(zip(keys, link, strict=True)) for link in links]
    return {
        "subgraphs": [{"id": UUID, "name": "Text", "nodes": nodes, "links": named, "inputs": slots, "outputs": out}]
    }


def speed() -> bool:
    """Print what one conversion takes; return whether it is over the limit."""
    workflow, schemas = two_hundred_nodes(), Schemas.snapshot()
    start = time.perf_counter()
    graph = convert(workflow, schemas)
    cold = (time.perf_counter() - start) * 1000
    base = milliseconds(lambda: json.loads(json.dumps(workflow)))
    warm = milliseconds(lambda: convert(workflow, schemas))
    print(f"workflow: {len(workflow['nodes'])} nodes drawn, {len(graph)} sent")
    print(f"through json and back       {base:8.2f} ms")
    print(f"converted, the first time   {cold:8.2f} ms")
    print(f"converted, warm             {warm:8.2f} ms   x {warm / base:.1f}, of at most {LIMIT_MS:g}")
    return warm > LIMIT_MS


def compare(program: Path, every: int) -> None:
    """Print how many official workflows each gets right."""
    names = list(OFFICIAL["digests"])[::every]
    workflows = official_workflows()
    with RealServer() as server:
        schemas = Schemas.from_object_info(get(f"{server.url}/object_info"))
        start = time.perf_counter()
        ours = {name: convert(workflows[name], schemas, name=name) for name in names}
        took = time.perf_counter() - start
        whole = sum(digest(ours[name], volatile(name)) == OFFICIAL["digests"][name] for name in names)
        print(f"ours        {whole} of {len(names)} right; {took:.1f} s", flush=True)
        start = time.perf_counter()
        with ThreadPoolExecutor(2) as pool:
            said = list(pool.map(lambda name: ask(program, workflows[name], server.port), names))
        took = time.perf_counter() - start
    places = [
        None if made is None else differences(made, ours[name], volatile(name))
        for name, made in zip(names, said, strict=True)
    ]
    titles = sum(bool(wrong) and all(".title: " in place for place in wrong) for wrong in places)
    print(f"comfy-cli   {places.count([])} of {len(names)} right, {titles} more but for titles, ", end="")
    print(f"{places.count(None)} without an answer; {took:.1f} s, its starts counted")


def volatile(name: str) -> list[str]:
    """Return the inputs that no two conversions of a workflow agree on."""
    found: list[str] = OFFICIAL["volatile"].get(name, [])
    return found


def ask(program: Path, workflow: Workflow, port: int) -> Mapping[str, Any] | None:
    """Return comfy-cli's conversion; None where it has none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workflow.json"
        path.write_text(json.dumps(workflow), encoding="utf-8")
        command = [str(program), "--skip-prompt", "run", "--workflow", str(path), "--print-prompt", "--json"]
        command += ["--host", "127.0.0.1", "--port", str(port)]
        environment = {**os.environ, "HOME": folder, "DO_NOT_TRACK": "1"}
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    for line in done.stdout.split("\n"):
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("type") == "prompt_preview":
            prompt: Mapping[str, Any] = event["prompt"]
            return prompt
    return None


def main() -> int:
    """Print the figures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comfy", type=Path, help="the program comfy, in an environment of its own")
    parser.add_argument("--every", type=int, default=1, help="take one workflow of so many")
    asked = parser.parse_args()
    over = speed()
    if asked.comfy:
        compare(asked.comfy, asked.every)
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
