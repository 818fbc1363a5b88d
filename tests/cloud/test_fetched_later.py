"""Outputs of a cloud's job, fetched when they are asked for; plugins of a client that runs there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comfy_headless import ComfyClient, Plugin
from comfy_headless.simulator import Simulator
from tests.client.test_plugins import GRAPH
from tests.cloud.comfy_api import comfy_api
from tests.cloud.test_comfy_cloud import cloud_at


class Stamp(Plugin):
    """Names what is saved."""

    def before_submit(self, graph: dict[str, Any]) -> None:
        graph["2"]["inputs"]["filename_prefix"] = "stamped"


def test_an_output_of_a_cloud_is_fetched_from_there(tmp_path: Path) -> None:
    """After the client is closed too, by the address that the cloud gives; names and plugins are as anywhere."""
    with Simulator() as simulator, comfy_api(simulator.url) as api:
        with ComfyClient(cloud_at(api), plugins=[Stamp()]) as client:
            result = client.submit(GRAPH).result(download=False)
        (one,) = result.images_by_var["cover"]
        assert (one.path, one.image.size) == (None, (64, 48))
        assert one.save(tmp_path).name == one.filename == "stamped_00001_.png"
