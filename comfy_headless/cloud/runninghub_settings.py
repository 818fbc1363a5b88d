"""How a RunningHub is set up: an argument, then RUNNINGHUB_*, then a default. No value of a key is in any message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from comfy_headless.cloud.runninghub_api import NAME
from comfy_headless.config import server_url
from comfy_headless.errors import ValidationError

DEFAULT_URL: Final = "https://www.runninghub.ai"
_HOSTS: Final = ("runninghub.ai", "runninghub.cn")


class Said:
    """What the environment says; a variable that is empty says nothing."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def first(self, given: Any, name: str) -> tuple[str, Any]:
        """Return the argument, else what a variable says, with the name of either; None if neither is there."""
        said = self._variables.get(f"RUNNINGHUB_{name.upper()}", "").strip()
        return (name, given) if given is not None or not said else (f"RUNNINGHUB_{name.upper()}", said)


def read_address(base_url: str | None, said: Said) -> str:
    """Return the base address; raises ValidationError."""
    _, given = said.first(base_url, "base_url")
    address = server_url(given or DEFAULT_URL)
    parts = urlsplit(address)
    if "@" in parts.netloc:
        raise ValidationError(f"base_url=: a login in the address is not for {NAME}; give api_key=")
    if parts.scheme != "https" and _is_theirs(address):
        raise ValidationError(f"base_url={address!r}: a key goes there, so it begins with https://")
    return address


def read_key(api_key: str | None, said: Said, address: str) -> str:
    """Return the key; raises ValidationError."""
    name, key = said.first(api_key, "api_key")
    if api_key is None and not _is_theirs(address) and address != read_address(None, said):
        key = None  # of the environment: it is for the site, or for the address that the environment names
    if key is None or key == "":
        raise ValidationError(
            f"{NAME} wants a key: give RunningHub(api_key=...) or RUNNINGHUB_API_KEY; keys are made on {address}, "
            "under the settings of the account's API"
        )
    if not isinstance(key, str) or key != key.strip() or not key.isascii() or not key.isprintable():
        raise ValidationError(f"{name}: expected a key as text, without blanks and line breaks")
    return key


def read_instance_type(given: str | None, said: Said) -> str | None:
    """Return the type of machine; raises ValidationError."""
    name, value = said.first(given, "instance_type")
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ValidationError(f'{name}={value!r}: expected a text, such as "plus"')


def read_workflow_id(given: str | int | None, said: Said) -> str | None:
    """Return the id of a saved workflow; raises ValidationError."""
    name, value = said.first(given, "workflow_id")
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if text is None or (isinstance(text, str) and is_number(text)):
        return text
    raise ValidationError(f"{name}={value!r}: expected the number in the address of a workflow's page")


def read_seconds(given: float | None, said: Said) -> float | None:
    """Return seconds that a job may take, None for as many as it takes; raises ValidationError."""
    name, value = said.first(given, "timeout")
    number = _number(value)
    if value is not None and (number is None or not 0 < number < 1e9):
        raise ValidationError(f"{name}={value!r}: give seconds above 0, or leave it out to wait as long as it takes")
    return number


def read_count(given: int | None, said: Said) -> int | None:
    """Return how often a call is repeated, None for as often as there is patience; raises ValidationError."""
    name, value = said.first(given, "retry_count")
    number = _number(value)
    if value is not None and (number is None or not 0 <= number < 1e9 or number != int(number)):
        raise ValidationError(f"{name}={value!r}: expected a whole number of 0 or more")
    return None if number is None else int(number)


def is_number(text: str) -> bool:
    """Say whether a text is a number as RunningHub counts workflows and tasks."""
    return text.isascii() and text.isdecimal()


def _is_theirs(address: str) -> bool:
    host = urlsplit(address).hostname or ""
    return any(host == each or host.endswith(f".{each}") for each in _HOSTS)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
