"""What RunningHub's codes mean, and what to do about each: a table.

Sources: the error codes of runninghub-api-doc (2026) for 301 to 433, 801 to 814; the Python package runninghub-sdk for
804 to 807, 809 and 813; the rest from tables that others have copied from the official list. None was seen live.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from comfy_headless.errors import (
    ComfyHeadlessError,
    ComfyUIConnectionError,
    GenerationRejectedError,
    ValidationError,
)

Kind = Literal[
    "request", "money", "key", "full", "plan", "absent", "state", "failed", "file", "content", "service", "?"
]


class Code(NamedTuple):
    """What a code means.

    Args:
        kind: what of the call it is about; "full" and "service" pass.
        name: RunningHub's own.
        remedy: what to do, as the end of a sentence; empty where the words say it.
    """

    kind: Kind
    name: str
    remedy: str = ""


_KEY: Final = "is the key right, and of this site (runninghub.ai and runninghub.cn have keys of their own)? "
_MONEY: Final = "add to the account's balance on the site"
_PLUS: Final = 'give RunningHub(instance_type="plus") for a machine of 48 GB'

CODES: Final[Mapping[int, Code]] = {
    301: Code("request", "PARAMS_INVALID", "a whole graph may need RunningHub(workflow_id=...), any saved by you"),
    380: Code("request", "WORKFLOW_NOT_EXISTS", "the id is the number in the address of the workflow's page"),
    412: Code("request", "TOKEN_INVALID", "the path is not known there: is the address the site's own?"),
    433: Code("request", "VALIDATE_PROMPT_FAILED", "the graph names a node, a model file or a value that is not there"),
    803: Code("request", "APIKEY_INVALID_NODE_INFO", "a node or an input that was given is not in the saved workflow"),
    810: Code("request", "WORKFLOW_NOT_SAVED_OR_NOT_RUNNING", "save the workflow and run it once by hand on the site"),
    901: Code("request", "WEBAPP_NOT_EXISTS"),
    1007: Code("request", "PARAMS_INVALID"),
    416: Code("money", "TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET", _MONEY),
    812: Code("money", "CORPAPIKEY_INSUFFICIENT_FUNDS", _MONEY),
    801: Code("key", "APIKEY_UNSUPPORTED_FREE_USER", "RunningHub's API is for accounts with a paid plan"),
    802: Code("key", "APIKEY_UNAUTHORIZED", f"{_KEY}RUNNINGHUB_API_KEY or RunningHub(api_key=...) gives it"),
    806: Code("key", "APIKEY_USER_NOT_FOUND", f"{_KEY}"),
    811: Code("key", "CORPAPIKEY_INVALID", f"{_KEY}"),
    1002: Code("key", "API_KEY_INVALID", f"{_KEY}"),
    1014: Code("key", "API_KEY_NOT_ALLOWED", f"{_KEY}"),
    415: Code("full", "TASK_INSTANCE_MAXED"),
    421: Code("full", "TASK_QUEUE_MAXED"),
    814: Code("full", "PERSONAL_QUEUE_COUNT_LIMIT"),
    1003: Code("full", "RATE_LIMITED"),
    1011: Code("full", "SERVICE_BUSY"),
    1520: Code("full", "CONCURRENCY_LIMIT"),
    435: Code("plan", "TASK_USER_EXCLUSIVE_PLUS", _PLUS),
    436: Code("plan", "TASK_USER_EXCLUSIVE_EXPIRED", "the account's own machines have expired"),
    423: Code("absent", "TASK_NOT_FOUND"),
    807: Code("absent", "APIKEY_TASK_NOT_FOUND"),
    804: Code("state", "APIKEY_TASK_IS_RUNNING"),
    813: Code("state", "APIKEY_TASK_IS_QUEUED"),
    805: Code("failed", "APIKEY_TASK_STATUS_ERROR"),
    817: Code("state", "APIKEY_TASK_CANCEL_NOT_ALLOWED"),
    809: Code("file", "APIKEY_FILE_SIZE_EXCEEDED", "30 MB are taken; give the web address of a larger file"),
    1501: Code("content", "CONTENT_REFUSED", "RunningHub does not make this"),
    1505: Code("content", "CONTENT_REFUSED", "RunningHub does not make this"),
    **{code: Code("service", "SERVICE_ERROR") for code in (500, 808, 1000, 1005, 1006, 1010, 1012, 1504)},
}
"""Every code that is known; ``code_of`` is for the others too."""

RUNNING: Final = 804
QUEUED: Final = 813
FAILED: Final = 805


def code_of(code: int) -> Code:
    """Return what a code means; kind "?" for one that is not known."""
    return CODES.get(code, Code("?", "an unknown code"))


def said(code: int, words: str) -> str:
    """Return a code in words: its number, RunningHub's name for it, its own words, and what to do."""
    meaning = code_of(code)
    own = f" ({words})" if words and words.upper() not in (meaning.name, "SUCCESS") else ""
    return f"code {code}, {meaning.name}{own}{f': {meaning.remedy}' if meaning.remedy else ''}".rstrip()


def refusal(address: str, code: int, words: str, *, what: str) -> ComfyHeadlessError:
    """Return the error for a call that was refused.

    Args:
        what: what was asked for, as the beginning of a sentence.
    """
    message = f"{what}: RunningHub says {said(code, words)}"
    match code_of(code).kind:
        case "key":
            return ComfyUIConnectionError(message, url=address, status=401)
        case "full" | "service":
            return ComfyUIConnectionError(message, url=address, status=429)
        case "file":
            return ValidationError(message)
    return GenerationRejectedError(message, server_message=words or code_of(code).name)
