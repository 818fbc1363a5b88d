"""What lets a client in at a server: headers, cookies, certificates, a key for paid nodes. Shown nowhere."""

from __future__ import annotations

from typing import NamedTuple


class Access(NamedTuple):
    """What is sent with every request, to this server alone. Its repr tells names, never values.

    Args:
        headers: names and values; ``Authorization`` and ``Comfy-User`` among them.
        cookies: names and values.
        ca: path of a file with certificates (PEM) that are trusted besides the usual ones; None: the usual ones.
        verify: False: any certificate is taken.
        comfy_org_key: the key of Comfy.org for nodes that cost money. It goes with each prompt, never in a header: the
            server takes it out before it keeps the prompt (ComfyUI 0.30.0).
    """

    headers: tuple[tuple[str, str], ...] = ()
    cookies: tuple[tuple[str, str], ...] = ()
    ca: str | None = None
    verify: bool = True
    comfy_org_key: str | None = None

    def __repr__(self) -> str:
        shown = [name for name, _ in self.headers] + [f"cookie {name}" for name, _ in self.cookies]
        return f"Access({', '.join([*shown, *(['comfy_org_key'] if self.comfy_org_key else [])])})"


OPEN = Access()
"""Nothing is needed."""
