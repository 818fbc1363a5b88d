"""check_health on the simulator and on a real ComfyUI: what a server tells of itself is read from both alike."""

from __future__ import annotations

from comfy_headless import check_health

SERVER = ("server", "version", "queue", "devices", "ram", "websocket")


def test_a_server_is_looked_at(server: str) -> None:
    """Each thing that a server tells is there, its socket opens, and nothing fails."""
    report = check_health(server)
    assert [line.name for line in report.lines][: len(SERVER)] == list(SERVER)
    assert {report[name].state for name in ("server", "version", "queue", "websocket")} == {"ok"}, report
    assert isinstance(report["version"].facts["torch"], str)
    assert report["ram"].facts["ram_gb"]
    assert all(line.state == "ok" or line.remedy for line in report.lines)


def test_a_real_server_on_a_cpu(real_server: str) -> None:
    """That it computes on the CPU is a warning."""
    line = check_health(real_server)["devices"]
    assert (line.state, line.facts["count"]) == ("warn", 0)
