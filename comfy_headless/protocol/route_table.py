"""Every route of a ComfyUI server (0.30.0): the call of a client that asks it, or why there is none.

A route with ``/api`` before it is the same one; ``/api`` stands here where a route exists with it only. docs/server.md
is written from this table, and a real server is asked whether it has a route that is not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Route(NamedTuple):
    """A route, and the name of the client's method that asks it."""

    method: str
    path: str
    call: str


ROUTES: Final = (
    Route("POST", "/prompt", "queue_prompt"),
    Route("GET", "/prompt", "queue_remaining"),
    Route("GET", "/queue", "queue"),
    Route("POST", "/queue", "clear_queue"),
    Route("POST", "/queue", "delete_queued"),
    Route("POST", "/interrupt", "interrupt"),
    Route("POST", "/free", "free"),
    Route("GET", "/history", "whole_history"),
    Route("GET", "/history/{prompt_id}", "history"),
    Route("POST", "/history", "clear_history"),
    Route("POST", "/history", "delete_history"),
    Route("GET", "/api/jobs", "job_records"),
    Route("GET", "/api/jobs/{job_id}", "job_record"),
    Route("POST", "/api/jobs/{job_id}/cancel", "cancel"),
    Route("POST", "/api/jobs/cancel", "cancel_jobs"),
    Route("GET", "/object_info", "object_info"),
    Route("GET", "/object_info/{node_class}", "object_info"),
    Route("GET", "/object_info/{node_class}", "choices"),
    Route("GET", "/object_info/{node_class}", "checkpoints"),
    Route("GET", "/object_info/{node_class}", "loras"),
    Route("GET", "/object_info/{node_class}", "vaes"),
    Route("GET", "/object_info/{node_class}", "upscale_models"),
    Route("GET", "/object_info/{node_class}", "hypernetworks"),
    Route("GET", "/object_info/{node_class}", "samplers"),
    Route("GET", "/object_info/{node_class}", "schedulers"),
    Route("GET", "/embeddings", "embeddings"),
    Route("GET", "/models", "model_folders"),
    Route("GET", "/models/{folder}", "models"),
    Route("GET", "/experiment/models", "model_locations"),
    Route("GET", "/experiment/models/{folder}", "model_files"),
    Route("GET", "/experiment/models/preview/{folder}/{path_index}/{filename}", "model_preview"),
    Route("GET", "/view_metadata/{folder_name}", "view_metadata"),
    Route("GET", "/view", "view"),
    Route("GET", "/view", "download"),
    Route("POST", "/upload/image", "upload"),
    Route("POST", "/upload/mask", "upload_mask"),
    Route("GET", "/system_stats", "system_stats"),
    Route("GET", "/features", "features"),
    Route("GET", "/extensions", "extensions"),
    Route("GET", "/workflow_templates", "workflow_templates"),
    Route("GET", "/i18n", "i18n"),
    Route("GET", "/node_replacements", "node_replacements"),
    Route("GET", "/global_subgraphs", "global_subgraphs"),
    Route("GET", "/global_subgraphs/{id}", "global_subgraph"),
    Route("GET", "/internal/logs", "logs"),
    Route("GET", "/internal/logs/raw", "log_entries"),
    Route("PATCH", "/internal/logs/subscribe", "subscribe_logs"),
    Route("GET", "/users", "users"),
    Route("POST", "/users", "create_user"),
    Route("GET", "/settings", "settings"),
    Route("GET", "/settings/{id}", "setting"),
    Route("POST", "/settings", "set_settings"),
    Route("POST", "/settings/{id}", "set_setting"),
    Route("GET", "/userdata", "userdata_files"),
    Route("GET", "/v2/userdata", "userdata_tree"),
    Route("GET", "/userdata/{file}", "read_userdata"),
    Route("GET", "/userdata/{file}", "read_userdata_text"),
    Route("POST", "/userdata/{file}", "store_userdata"),
    Route("DELETE", "/userdata/{file}", "delete_userdata"),
    Route("POST", "/userdata/{file}/move/{dest}", "move_userdata"),
)
"""A route stands here once for each call that asks it."""

LEFT_OUT: Final[Mapping[str, str]] = {
    "GET /ws": "the socket: what waits for a job opens it by itself; `events` listens to all of it",
    "* /api/assets*": "the assets database, off unless the server is started with --enable-assets (503)",
    "GET /api/tags": "the assets database, off unless the server is started with --enable-assets (503)",
    "GET /internal/folder_paths": "internal by ComfyUI's own words; `model_locations` tells the same",
    "GET /internal/files/{directory_type}": "internal by ComfyUI's own words; what jobs made stands in the history",
    "GET /": "the web page of the frontend",
    "GET ": "static files of the frontend, below any address that is no route",
    "GET /extensions/*": "static files of node packs",
    "GET /api/workflow_templates/*": "static files of node packs",
    "GET /templates*": "static files of the frontend",
    "GET /docs*": "static files of the frontend",
}
"""Method and path (``*`` is anything), and why there is no call; ``client.request`` asks them all."""
