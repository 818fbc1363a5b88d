"""Where Comfy's API v2 is, and with which key: argument, then the variable that Comfy's programs read, then default.

A key of the environment goes to hosts of Comfy and to the address of the environment; another address is told none.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from comfy_headless.cloud.comfy_cloud_api import CLOUD_HOST, DEPLOYMENT_HOSTS, Api
from comfy_headless.config import server_url
from comfy_headless.errors import ValidationError
from comfy_headless.protocol.access import header_problem

KEYS: Final = ("COMFY_API_KEY", "COMFY_CLOUD_API_KEY")
"""Variables of the key: comfy-sdk's (0.5.0), then the one of Comfy Cloud's documentation."""
BASE_URL: Final = "COMFY_BASE_URL"
"""The variable of the address, as comfy-sdk has it."""

_DEPLOYMENT: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def read_api(
    api_key: str | None, deployment: str | None, base_url: str | None, environ: Mapping[str, str] | None = None
) -> Api:
    """Return who is talked to.

    Args:
        environ: None is this process's environment.

    Raises:
        ValidationError: Comfy Cloud without a key, or an argument that cannot be right; no key is shown.
    """
    variables = os.environ if environ is None else environ
    address = _address(deployment, base_url, variables)
    host = urlsplit(address).hostname or ""
    official = host == CLOUD_HOST or host.endswith(DEPLOYMENT_HOSTS)
    if official and not address.startswith("https://"):
        raise ValidationError(f"base_url={address!r}: a key goes there, so it begins with https://")
    key = read_key(api_key, "api_key=")
    if key is None and (official or (base_url is None and deployment is None)):
        named = ((name, variables.get(name, "").strip()) for name in KEYS)
        key = next((read_key(value, name) for name, value in named if value), None)
    if key is None and host == CLOUD_HOST:
        raise ValidationError(
            "Comfy Cloud wants a key: give ComfyCloud(api_key=...) or COMFY_API_KEY; keys are made at "
            "https://platform.comfy.org and begin with comfyui-"
        )
    name = "Comfy Cloud" if host == CLOUD_HOST else f"the Comfy API at {urlsplit(address).netloc}"
    return Api(name, address, key)


def read_key(value: str | None, source: str) -> str | None:
    """Return a key that can be sent; raises ValidationError, which names ``source`` and shows nothing of it."""
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise ValidationError(f"{source}: expected a key, got {'nothing' if value == '' else type(value).__name__}")
    problem = header_problem("Authorization", value)
    if problem is not None:
        raise ValidationError(f"{source}: {problem}")
    return value


def _address(deployment: str | None, base_url: str | None, variables: Mapping[str, str]) -> str:
    if deployment is None:
        url = server_url(base_url or variables.get(BASE_URL, "").strip() or f"https://{CLOUD_HOST}")
        if "@" in urlsplit(url).netloc:
            raise ValidationError("base_url=: a login in the address is not for this API; give api_key=")
        return url
    if base_url is not None:
        raise ValidationError(f"deployment={deployment!r}, base_url={base_url!r}: give one of them")
    name = deployment.strip() if isinstance(deployment, str) else ""
    if not _DEPLOYMENT.fullmatch(name):
        raise ValidationError(f"deployment={deployment!r}: expected its name, such as dep-1234abcd, and no address")
    return f"https://{name}{DEPLOYMENT_HOSTS}"
