"""What Hugging Face says of a file: where it is, how large, and its checksum; the home of huggingface_hub.

Its own download is not used: since 1.x it begins anew after a process was killed, and looks at the size only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from comfy_headless.catalog.fetching import hub_of, page_of
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.config import shown_url
from comfy_headless.errors import ModelDownloadError
from comfy_headless.features import require
from comfy_headless.protocol.access import basic

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same question is worth asking again."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_SHA1: Final = re.compile(r"[0-9a-f]{40}")
_LOGIN: Final = "log in with: hf auth login (or set HF_TOKEN)"


class Remote(NamedTuple):
    """A file on Hugging Face, as it was when somebody asked.

    Args:
        url: of this version of it.
        size: bytes.
        checksum: ``sha256:`` (large files) or ``git:`` (small ones) and hexadecimal digits; empty if none is told.
        version: what changes when the file does: its commit and ETag, as far as they are told.
    """

    url: str
    size: int
    checksum: str
    version: str


class Passing(Exception):
    """The hub cannot be asked just now; what it said, and the seconds after which it wants to be asked again."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def remote_file(file: ModelFile, *, token: str | None, endpoint: str | None, timeout: float) -> Remote:
    """Ask for a file once.

    Args:
        token: None takes the one that huggingface_hub knows: HF_TOKEN, or that of its login.
        endpoint: address of the hub; None is HF_ENDPOINT, then Hugging Face's own.
        timeout: seconds.

    Raises:
        ModelDownloadError: the file cannot be had; the message says what to do.
        Passing: the hub cannot be asked just now.
        FeatureMissingError: the extra ``models`` is missing.
    """
    require("models", "downloading model files")
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    unreachable: type[Exception] = HfHubHTTPError.__mro__[1]  # HTTPError of httpx in 1.x, of httpx2 since 2.0
    base, login = hub_of(endpoint)
    url = page_of(file, endpoint)
    headers = {"authorization": basic(*login)} if login else None  # goes before the token
    try:
        told = get_hf_file_metadata(url, token=token, timeout=timeout, headers=headers, endpoint=base)
    except HfHubHTTPError as error:
        raise _refusal(error, file, url) from error
    except OfflineModeIsEnabled as error:
        raise _error(file, url, "HF_HUB_OFFLINE is set, so Hugging Face is not asked; unset it") from error
    except HFValidationError as error:
        raise _error(file, url, f"{file.repository!r} is no name of a repository") from error
    except unreachable as error:
        raise Passing(f"{shown_url(base)} does not answer: {error}") from error
    if told.size is None:
        raise _error(file, url, "the server does not say how large it is")
    pinned = hf_hub_url(file.repository, file.path, revision=told.commit_hash or "main", endpoint=base)
    version = " ".join(each for each in (told.commit_hash, told.etag) if each)
    return Remote(pinned, told.size, _checksum(told.etag or ""), version)


def hub_headers(token: str | None) -> Mapping[str, str]:
    """Return what is sent with each request; they may let one in, so they are shown nowhere."""
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # documented, not re-exported

    from comfy_headless import __version__

    headers: dict[str, str] = build_hf_headers(token=token, library_name="comfy-headless", library_version=__version__)
    return headers


def refused(status: int, headers: Mapping[str, str], file: ModelFile, url: str) -> ModelDownloadError | Passing:
    """Return the error of an answer that is none of 2xx.

    Args:
        headers: in lower case.
        url: that was asked for, without what lets one in.
    """
    if status in PASSING:
        return Passing(
            f"{urlsplit(url).netloc.rpartition('@')[2]} answers {status}", _seconds(headers.get("retry-after"))
        )
    code, repository = headers.get("x-error-code", ""), file.repository
    page = f"{url.partition(f'/{repository}/')[0]}/{repository}"
    if code == "GatedRepo" or (status == 403 and not code):
        why = f"{repository} is given to those who accept its licence: open {page}, accept it there, then {_LOGIN}"
    elif code == "EntryNotFound":
        why = f"{repository} has no file {file.path!r} (any more): look at {page}"
    elif status == 401 and any(
        word in headers.get("x-error-message", "").casefold() for word in ("token", "credential")
    ):
        why = f"Hugging Face does not take the token: {_LOGIN}"
    elif code == "RepoNotFound" or status in (401, 404):
        why = f"there is no repository {repository}, or it is private: look at {page}, and {_LOGIN}"
    else:
        message = headers.get("x-error-message", "")
        why = f"the server answers {status}{f': {message}' if message else ''}"
    return _error(file, url, why)


def _refusal(error: HfHubHTTPError, file: ModelFile, url: str) -> ModelDownloadError | Passing:
    response = error.response
    return refused(response.status_code, {name.lower(): value for name, value in response.headers.items()}, file, url)


def _error(file: ModelFile, url: str, why: str) -> ModelDownloadError:
    return ModelDownloadError(f"{file.key}: {why}", url=url)


def _checksum(etag: str) -> str:
    if _SHA256.fullmatch(etag):
        return f"sha256:{etag}"
    return f"git:{etag}" if _SHA1.fullmatch(etag) else ""


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
