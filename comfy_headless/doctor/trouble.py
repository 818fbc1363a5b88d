"""What is wrong with a server that does not answer as a ComfyUI does, and what to do about it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from comfy_headless.config import DEFAULT_URL, is_local
from comfy_headless.errors import without_secrets
from comfy_headless.health.report import HealthLine, program, setting
from comfy_headless.local.folder import usual_folder
from comfy_headless.protocol.conversation import Server
from comfy_headless.protocol.effects import Broken, Reply

_PORT: Final = 8188
KEYS: Final[Mapping[str, str]] = {"runninghub": "RUNNINGHUB_API_KEY", "comfy-cloud": "COMFY_API_KEY"}
"""The variable of the key, by the name of the cloud that wants one."""
_NO_KEY: Final = re.compile(rf"wants a key: .*?\b({'|'.join(KEYS.values())})\b")
_SLIP: Final = re.compile(r"server '.+?': did you mean '([\w-]+)'\?")
_VARIABLE: Final = re.compile(
    r"(COMFY_HEADLESS|COMFYUI)_(TOKEN|HEADERS|COOKIES|CA|USER|EXECUTOR_TYPE)\b|RUNNINGHUB_\w+"
)
"""How an error begins that is about a variable of what lets one in."""
_NO_SUCH_NAME: Final = ("Name or service not known", "nodename nor servname", "getaddrinfo failed", "name resolution")
"""What Linux, macOS, Windows, and a machine without a network say of a name that nobody knows."""


def cannot_be_asked(problem: str) -> HealthLine:
    """Return the line of a server that cannot even be asked: an address that is none, a certificate that is none."""
    odd = _VARIABLE.match(problem)
    if odd is not None:
        return HealthLine("server", "fail", problem, f"unset {odd[0]}")
    key, slip = _NO_KEY.search(problem), _SLIP.match(problem)
    if key is not None:
        return HealthLine("server", "fail", problem, setting(key[1], "KEY"))
    return HealthLine("server", "fail", problem, setting("COMFY_HEADLESS_URL", slip[1] if slip else DEFAULT_URL))


def unreachable(server: Server, broken: Broken) -> HealthLine:
    """Return the line of a server with which no exchange is possible."""
    detail = one_line(without_secrets(broken.detail))
    url, parts = server.url, urlsplit(server.url)
    plain = f"http{url.removeprefix('https')}"
    if "CERTIFICATE_VERIFY_FAILED" in detail and "mismatch" in detail:
        text = f"the certificate at {url} is for another name: {detail}"
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_URL", "https://NAME"))
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        text = f"{url} shows a certificate that nobody here knows: {detail}"
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_CA", "/path/of/ca.pem"))
    if parts.scheme == "https" and ("WRONG_VERSION_NUMBER" in detail or "record layer" in detail):
        return HealthLine("server", "fail", f"{url} speaks http, not https", setting("COMFY_HEADLESS_URL", plain))
    if broken.kind == "timeout":
        text = f"{url} does not answer within {server.timing.read:g} s: it starts, is busy, or is something else"
        return HealthLine("server", "fail", text, curl(server, "/system_stats", wait=60))
    if broken.kind == "reset":
        text = f"{url} ends the connection{', perhaps it speaks https' if parts.scheme == 'http' else ''}: {detail}"
        return HealthLine("server", "fail", text, curl(server, "/system_stats"))
    if any(words in detail for words in _NO_SUCH_NAME):
        text = f"no machine is called {parts.hostname}: {detail}"
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_URL", f"http://HOST:{_PORT}"))
    text = f"nothing answers at {url}: {detail}"
    if parts.port is None and parts.scheme == "http" and not parts.path:
        text += f". {_PORT} is ComfyUI's own port"
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_URL", f"{url}:{_PORT}"))
    if parts.scheme == "https":
        return HealthLine("server", "fail", text, curl(server, "/system_stats"))
    if not is_local(url):
        text += ". There, ComfyUI is started with --listen, and the firewall lets the port through"
        return HealthLine("server", "fail", text, curl(server, "/system_stats"))
    folder, port = usual_folder(), [] if parts.port == _PORT else ["--port", str(parts.port)]
    starts = program("serve", str(folder), *port) if folder else " ".join(["comfy-headless serve ~/ComfyUI", *port])
    return HealthLine("server", "fail", text, starts)


def odd_answer(server: Server, reply: Reply, problem: str | None) -> HealthLine:
    """Return the line of a server whose answer to GET /system_stats is none of ComfyUI's."""
    url = server.url
    facts = {"status": reply.status}
    if reply.status in (401, 403, 407):
        sent = ", ".join(name for name, _ in server.access.headers) or ("a login" if "@" in server.address else "")
        asked = reply.headers.get("www-authenticate", "").split(" ")[0]
        text = f"{url} lets nobody in like that ({reply.status}{f', it asks for {asked}' if asked else ''})"
        text += f"; {sent} was sent" if sent else ""
        if asked.lower() == "basic":
            at = url.replace("://", "://USER:PASSWORD@", 1).replace("***@", "", 1)
            return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_URL", at), facts)
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_TOKEN", "TOKEN"), facts)
    elsewhere = reply.headers.get("location")
    if elsewhere and 300 <= reply.status < 400:
        there = without_secrets(elsewhere).split("?")[0].removesuffix("/system_stats").rstrip("/")
        whole = there if "://" in there else f"{url}{there}"
        text = f"{url} sends one elsewhere ({reply.status})"
        return HealthLine("server", "fail", text, setting("COMFY_HEADLESS_URL", shlex.quote(whole)), facts)
    if reply.status in (502, 503, 504):
        text = f"a proxy answers at {url}, the ComfyUI behind it does not: {one_line(problem or '')}"
    elif reply.status >= 500:
        text = f"{url} has a fault of its own: {one_line(problem or '')}"
    else:
        why = problem or "GET /system_stats tells no system"
        text = f"something answers at {url} that is no ComfyUI: {one_line(why)}"
    return HealthLine("server", "fail", text, curl(server, "/system_stats"), facts)


def curl(server: Server, route: str, *, wait: int = 10) -> str:
    """Return the line that shows what a route answers; ``wait``: seconds."""
    return shlex.join(["curl", "-sS", "-i", "-m", str(wait), f"{server.url}{route}"])


def one_line(text: str) -> str:
    """Return another program's words as one line of bearable length."""
    return " ".join(text.split())[:200]
