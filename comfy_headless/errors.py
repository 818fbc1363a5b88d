"""Every exception of the package, ordered by what the caller can do about it.

ComfyHeadlessError
├── ValidationError               the caller's mistake; nothing was sent
├── FeatureMissingError           an extra is not installed (also an ImportError)
├── ComfyUIConnectionError        the exchange broke; may_still_run says whether a server may hold the job
│   └── ComfyUIOfflineError       nothing answers at that address; nothing was sent
├── GenerationFailedError         the server ran it and said no
│   ├── GenerationRejectedError   refused at validation, or the server lacks what is needed
│   └── OutOfMemoryError          the server ran out of memory
├── GenerationTimeoutError        our deadline; the message says what became of the prompt
├── ResultSaveError               finished on the server, but not written here; the server still has it
├── ResultSuspectError            the file was looked at and something is off; it is kept
├── ModelDownloadError            a model file could not be fetched; what came is kept for the next try
└── MediaError                    ffmpeg failed; its last lines

Attributes are primitives, so that every error survives pickling between processes. No message holds what an address
carries to be let in: ``http://user:password@host`` is ``http://***@host``.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

_LOGIN: Final = re.compile(r"(?<=//)[^/?#\s\"'<>]*@")
_KEY: Final = re.compile(
    r"(?<=[?&])((?:api[_-]?key|(?:access[_-]?|auth[_-]?)?token|key|password|secret|sig"
    r"|(?:[a-z]+-)*signature|x-[a-z]+-(?:credential|security-token)|security-token|(?:rh-)?comfy-auth)=)[^&#\s\"'<>]+",
    re.I,
)
_PATH_KEY: Final = re.compile(r"(?<=/proxy/)[\w-]{16,}|(?<=/proxy-plus/)[\w-]{16,}")
"""RunningHub's address of a ComfyUI: ``/proxy/<key>``. A port, as other proxies have it there, is shorter."""


_HIDDEN: Final = ("message", "__notes__")


def without_secrets(text: str) -> str:
    """Return a text in which ``***`` stands for the login of each address, and for keys in its query or its path."""
    return _PATH_KEY.sub("***", _KEY.sub(r"\1***", _LOGIN.sub("***@", text)))


class ComfyHeadlessError(Exception):
    """Base of all errors: ``str(error)`` names the thing, the value, and what exists."""

    def __init__(self, message: str) -> None:
        message = without_secrets(message)
        super().__init__(message)
        self.message = message

    def to_dict(self) -> dict[str, Any]:
        """Return the error as JSON-ready data: ``type``, ``message`` and the error's own attributes."""
        own = {name: value for name, value in vars(self).items() if name not in _HIDDEN and value not in (None, (), {})}
        return {"type": type(self).__name__, "message": self.message, **_finite(own)}

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, dict(vars(self))))


def _finite(value: Any) -> Any:
    """Return data with None for numbers that JSON lacks: a server repeats a node's limits, some of them Infinity."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _rebuild(cls: type[ComfyHeadlessError], args: tuple[Any, ...], state: dict[str, Any]) -> ComfyHeadlessError:
    error = cls.__new__(cls)
    error.args = args
    vars(error).update(state)
    return error


class ValidationError(ComfyHeadlessError):
    """The call itself is wrong; nothing was sent to any server."""


class FeatureMissingError(ComfyHeadlessError, ImportError):
    """An optional extra is not installed; the message holds the command that installs it.

    Args:
        extra: name of the extra, such as ``"websocket"``.
        install: the command to type.
    """

    def __init__(self, message: str, *, extra: str, install: str) -> None:
        super().__init__(message)
        self.extra = extra
        self.install = install


class ComfyUIConnectionError(ComfyHeadlessError):
    """The exchange with the server broke.

    Args:
        url: base address of the server.
        prompt_id: the job this was about, if any.
        may_still_run: True if a server may hold the job. Only when False is it safe to submit it elsewhere.
        status: HTTP status of an answer that refused what was asked for, such as 404 or 409; None if none came.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str,
        prompt_id: str | None = None,
        may_still_run: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.url = without_secrets(url)
        self.prompt_id = prompt_id
        self.may_still_run = may_still_run


class ComfyUIOfflineError(ComfyUIConnectionError):
    """Nothing answers at that address; nothing was sent."""


class GenerationFailedError(ComfyHeadlessError):
    """The server took the job and ended it without a result.

    Args:
        prompt_id: the job.
        node_id: the node that failed, if one did.
        node_type: its class.
        server_message: the server's own words.
        exception_type: the exception's name on the server.
        interrupted: True if somebody stopped the job.
    """

    def __init__(
        self,
        message: str,
        *,
        prompt_id: str | None = None,
        node_id: str | None = None,
        node_type: str | None = None,
        server_message: str | None = None,
        exception_type: str | None = None,
        interrupted: bool = False,
    ) -> None:
        super().__init__(message)
        self.prompt_id = prompt_id
        self.node_id = node_id
        self.node_type = node_type
        self.server_message = server_message
        self.exception_type = exception_type
        self.interrupted = interrupted


class GenerationRejectedError(GenerationFailedError):
    """The server refused the graph, or some of its outputs, at validation; or it lacks what every preset needs.

    Args:
        node_errors: the server's own dict: node id to ``{"class_type", "errors": [...]}``.
    """

    def __init__(
        self,
        message: str,
        *,
        prompt_id: str | None = None,
        server_message: str | None = None,
        node_errors: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, prompt_id=prompt_id, server_message=server_message)
        self.node_errors = node_errors or {}


class OutOfMemoryError(GenerationFailedError):
    """A node ran out of memory on the server; the message ends with what to try, each as it is typed in Python.

    Args:
        estimate: GiB that the job was estimated to take, and seconds: ``needed_gb``, ``peak_gb``, ``ram_gb``,
            ``node_gb`` (at the node that failed), ``seconds``; None for a workflow of one's own.
        vram_gb: GiB of the server's card, None if it was not told.
        vram_free_gb: of these, what was free right after.
        steps: what can be changed, in the order in which to try it: ``argument`` as typed in Python, ``option`` as
            typed at the command line, and what it takes then, named as in ``estimate``.
        tried: the same of the steps that were taken before and ran out of memory too.
    """

    def __init__(
        self,
        message: str,
        *,
        estimate: dict[str, float | None] | None = None,
        vram_gb: float | None = None,
        vram_free_gb: float | None = None,
        steps: tuple[dict[str, Any], ...] = (),
        tried: tuple[dict[str, Any], ...] = (),
        **about: Any,
    ) -> None:
        super().__init__(message, **about)
        self.estimate = estimate
        self.vram_gb = vram_gb
        self.vram_free_gb = vram_free_gb
        self.steps = steps
        self.tried = tried


class GenerationTimeoutError(ComfyHeadlessError):
    """The deadline passed; the message says what became of the prompt on the server.

    Args:
        prompt_id: the job, None if none was sent yet.
        timeout: the deadline in seconds.
    """

    def __init__(self, message: str, *, prompt_id: str | None = None, timeout: float) -> None:
        super().__init__(message)
        self.prompt_id = prompt_id
        self.timeout = timeout


class ResultSaveError(ComfyHeadlessError):
    """The job finished, but a file could not be brought here; the server still has it.

    Args:
        prompt_id: take it up again with ``client.job(prompt_id).result(out)``.
        path: where the file should have gone.
        url: where the server offers it, without a signature.
    """

    def __init__(self, message: str, *, prompt_id: str, path: str, url: str | None = None) -> None:
        super().__init__(message)
        self.prompt_id = prompt_id
        self.path = path
        self.url = without_secrets(url) if url else None


class ResultSuspectError(ComfyHeadlessError):
    """``strict=True`` and a look at the file found something; the file is kept at ``path``."""

    def __init__(self, message: str, *, path: str, warnings: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.path = path
        self.warnings = warnings


class ModelDownloadError(ComfyHeadlessError):
    """A model file could not be fetched, or does not fit on the disk; what came is kept for the next try.

    Args:
        url: where it was to be fetched.
        path: where it should have gone.
    """

    def __init__(self, message: str, *, url: str | None = None, path: str | None = None) -> None:
        super().__init__(message)
        self.url = without_secrets(url) if url else None
        self.path = path


class MediaError(ComfyHeadlessError):
    """Reading or writing a media file failed; ``details`` holds ffmpeg's last lines."""

    def __init__(self, message: str, *, path: str | None = None, details: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.details = details
