"""How this package is set up: extras, environment, folders, presets, the simulator."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from comfy_headless.ai.engines import ENGINE, KEY, MODEL, TIMEOUT, URL, engine_of
from comfy_headless.catalog.presets import PRESETS
from comfy_headless.config import cache_folder, comfyui_folder, shown_url, user_preset_folders
from comfy_headless.errors import ValidationError
from comfy_headless.features import FEATURES, list_missing_features, missing_reason
from comfy_headless.graph.values import nearest
from comfy_headless.health.disk import find_disk
from comfy_headless.health.report import HealthLine, installs, program, setting
from comfy_headless.local.folder import find_folder, find_python, usual_folder

_SECRET: Final = "set; its value is not shown"
VARIABLES: Final[Mapping[str, bool]] = {
    "COMFY_HEADLESS_URL": False,
    "COMFYUI_BASE_URL": False,
    "COMFYUI_EXECUTOR_TYPE": False,
    "COMFY_HEADLESS_TOKEN": True,
    "COMFY_HEADLESS_HEADERS": True,
    "COMFY_HEADLESS_COOKIES": True,
    "COMFYUI_COOKIES": True,
    "COMFY_HEADLESS_CA": False,
    "COMFY_HEADLESS_USER": False,
    "COMFY_HEADLESS_API_KEY": True,
    "COMFYUI_API_KEY": True,
    "COMFY_HEADLESS_PRESETS": False,
    "COMFY_HEADLESS_CACHE": False,
    "COMFY_HEADLESS_COMFYUI": False,
    "COMFY_HEADLESS_PREVIEW": False,
    "COMFY_HEADLESS_AI_ENGINE": False,
    "COMFY_HEADLESS_AI_URL": False,
    "COMFY_HEADLESS_AI_MODEL": False,
    "COMFY_HEADLESS_AI_KEY": True,
    "COMFY_HEADLESS_AI_TIMEOUT": False,
    "COMFY_HEADLESS_WILDCARDS": False,
    "COMFY_API_KEY": True,
    "COMFY_CLOUD_API_KEY": True,
    "COMFY_BASE_URL": False,
    "RUNNINGHUB_API_KEY": True,
    "RUNNINGHUB_BASE_URL": False,
    "RUNNINGHUB_INSTANCE_TYPE": False,
    "RUNNINGHUB_WORKFLOW_ID": False,
    "RUNNINGHUB_TIMEOUT": False,
    "RUNNINGHUB_RETRY_COUNT": False,
}
"""Every variable that is read, and whether its value is a secret; a test compares."""
_INSTEAD: Final = {
    "COMFYUI_BASE_URL": "COMFY_HEADLESS_URL",
    "COMFYUI_COOKIES": "COMFY_HEADLESS_COOKIES",
    "COMFYUI_API_KEY": "COMFY_HEADLESS_API_KEY",
    "COMFY_CLOUD_API_KEY": "COMFY_API_KEY",
}
"""Those that count only where the other one is not set."""
_OF_ENGINE: Final = {
    TIMEOUT: "60",
    MODEL: "qwen3:8b",
    KEY: "...",
    ENGINE: "openai",
    URL: "http://localhost:8080/v1",
}
"""What names a language model, with an example of each."""


def lines_of_setup() -> tuple[HealthLine, ...]:
    """Look at how this package is set up."""
    return (_extras(), _environment(os.environ), _cache(), _presets(), _simulator(), _comfyui())


def _extras() -> HealthLine:
    missing = [extra for extra, hint in list_missing_features().items() if hint.startswith("pip ")]
    there = [extra for extra, ready in FEATURES.items() if ready]
    facts = dict(FEATURES)
    installed = ", ".join(there) or "none"
    if not missing:
        return HealthLine("extras", "ok", installed, None, facts)
    text = f"installed: {installed}; missing: {', '.join(missing)}"
    return HealthLine("extras", "warn", text, installs(*missing), facts)


def _environment(variables: Mapping[str, str]) -> HealthLine:
    told = {name: _shown(name, variables) for name in VARIABLES if variables.get(name)}
    unknown = sorted(name for name in variables if name.startswith("COMFY_HEADLESS_") and name not in VARIABLES)
    texts = [
        f"{name}={value}" if value == _value(name, variables) else f"{name} ({value})" for name, value in told.items()
    ]
    wrong = [
        (f"{name} is read by nothing{nearest(name, VARIABLES)}".rstrip("."), f"unset {name}") for name in unknown[:1]
    ]
    wrong += _engine(variables)
    if not wrong:
        return HealthLine("settings", "ok", "; ".join(texts) or "no variable is set", None, told)
    return HealthLine("settings", "warn", "; ".join([*(why for why, _ in wrong), *texts]), wrong[0][1], told)


def _engine(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is wrong with the variables of a language model, or has no effect, and what to do about it."""
    given = [name for name in _OF_ENGINE if variables.get(name)]
    try:
        engine = engine_of(None, variables)
    except ValidationError as error:
        why = str(error).rstrip(".")
        name = next((name for name in _OF_ENGINE if name in why), URL)
        return [(why, f"unset {name}" if name in given else setting(name, _OF_ENGINE[name]))]
    if engine is not None or variables.get(ENGINE) or variables.get(URL) or not given:
        return []
    return [(f"{given[0]} has no effect without {URL}", setting(URL, _OF_ENGINE[URL]))]


def _shown(name: str, variables: Mapping[str, str]) -> str:
    other = _INSTEAD.get(name)
    if other is not None and variables.get(other):
        return f"not read, since {other} is set"
    if VARIABLES[name]:
        return _SECRET
    return _value(name, variables)


def _value(name: str, variables: Mapping[str, str]) -> str:
    value = variables[name]
    return shown_url(value) if name.endswith("_URL") else value


def _cache() -> HealthLine:
    try:
        folder = cache_folder()
    except RuntimeError as error:
        return HealthLine("cache", "warn", f"no folder for it: {error}", setting("COMFY_HEADLESS_CACHE", "/tmp/cache"))
    disk = find_disk(folder)
    facts = {"folder": str(folder)}
    if disk.reason is None:
        return HealthLine("cache", "ok", str(folder), None, facts)
    text = f"nothing can be kept in {folder}: {disk.reason}; what is learned of servers is forgotten"
    return HealthLine("cache", "warn", text, setting("COMFY_HEADLESS_CACHE", "/tmp/comfy-headless"), facts)


def _presets() -> HealthLine:
    try:
        known = list(PRESETS)
    except ValidationError as error:
        return HealthLine("presets", "fail", str(error), f"echo {_variable('COMFY_HEADLESS_PRESETS')}")
    own = [path for folder in user_preset_folders() for path in sorted(folder.rglob("*.toml")) if path.stem in known]
    facts = {"built_in": len(known) - len(own), "own": len(own)}
    broken = list(_broken(own))
    if broken:
        path, why = broken[0]
        others = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        return HealthLine("presets", "fail", f"{why}{others}", program("presets", "test", str(path)), facts)
    beside = f", {len(own)} of your own" if own else ""
    return HealthLine("presets", "ok", f"{len(known) - len(own)} built in{beside}", None, facts)


def _broken(own: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in own:
        try:
            PRESETS[path.stem]
        except (ValidationError, OSError) as error:
            yield path, " ".join(str(error).split())[:300]


def _simulator() -> HealthLine:
    reason = missing_reason("simulator")
    if reason is None:
        return HealthLine("simulator", "ok", f"{program('simulate')} runs a ComfyUI without models")
    return HealthLine("simulator", "warn", f"not there: {reason}", installs("simulator"))


def _comfyui() -> HealthLine:
    found = usual_folder()
    try:
        named = comfyui_folder()
    except ValidationError as error:  # nobody knows what ~ is
        return HealthLine("comfyui", "warn", str(error), setting("COMFY_HEADLESS_COMFYUI", "/folder/of/ComfyUI"))
    if found is None and named is None:
        text = "no ComfyUI found on this machine; COMFY_HEADLESS_COMFYUI names its folder"
        return HealthLine("comfyui", "ok", text)
    try:
        folder = find_folder(named if found is None and named is not None else str(found))
        python = find_python(folder)
    except ValidationError as error:
        remedy = setting("COMFY_HEADLESS_COMFYUI", "~/ComfyUI") if found is None else f"ls {shlex.quote(str(found))}"
        return HealthLine("comfyui", "warn", str(error).split("\n")[0], remedy)
    facts = {"folder": str(folder), "python": str(python)}
    text = f"{folder}; {program('serve', *([] if named else [str(folder)]))} starts it"
    return HealthLine("comfyui", "ok", text, None, facts)


def _variable(name: str) -> str:
    return f"%{name}%" if os.name == "nt" else f"${name}"
