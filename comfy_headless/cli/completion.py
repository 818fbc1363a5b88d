"""Completion in a shell: the values that options take, and the script through which a shell asks for them.

Typer answers the shells and knows the scripts; its flags detect the shell from the processes around, and take no name.
Here the shell can be named, and without a name it is the one of ``$SHELL``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import typer

from comfy_headless.ai.engines import NAMES
from comfy_headless.ai.instructing import LANGUAGES, LENGTHS
from comfy_headless.ai.styles import styles
from comfy_headless.catalog.preset import Preset
from comfy_headless.catalog.presets import IMAGE_PRESETS, VIDEO_PRESETS
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.errors import ComfyHeadlessError, ValidationError
from comfy_headless.graph.schemas import Schemas

SHELLS: Final = ("bash", "zsh", "fish", "powershell", "pwsh")
NO_PACKS: Final = "none"
"""What says that there are no node packs."""
_FLAGS: Final = ("--show-completion", "--install-completion")


def preset_names(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of a preset for videos, for the shell."""
    yield from _titled(VIDEO_PRESETS, incomplete)


def image_preset_names(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of a preset for images."""
    yield from _titled(IMAGE_PRESETS, incomplete)


def every_preset_name(incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete the name of any preset."""
    for library in (VIDEO_PRESETS, IMAGE_PRESETS):
        yield from _titled(library, incomplete)


def _titled(presets: Mapping[str, Preset], incomplete: str) -> Iterator[tuple[str, str]]:
    try:
        yield from ((name, presets[name].title) for name in presets if name.startswith(incomplete))
    except ComfyHeadlessError:
        return  # a broken preset file is reported when the command runs, not while a name is typed


def setting_names(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete ``--set NAME=`` with what the family of the preset adds; without a preset, with what any adds."""
    try:
        named = VIDEO_PRESETS.get(context.params.get("preset") or "")
        declared = [preset.declared for preset in ([named] if named else VIDEO_PRESETS.values())]
        merged = {name: item for one in declared for name, item in one.items() if name.startswith(incomplete)}
        yield from ((f"{name}=", item.description) for name, item in merged.items() if not item.fixed)
    except ComfyHeadlessError:
        return


def role_names(context: typer.Context, incomplete: str) -> Iterator[tuple[str, str]]:
    """Complete ``--file ROLE=`` with the roles of the preset, and what fills them; without a preset, with any role."""
    try:
        every = [*VIDEO_PRESETS.values(), *IMAGE_PRESETS.values()]
        preset = context.params.get("preset")
        named = [each for each in every if each.name == preset] or every
        roles = {
            role: file.name for each in reversed(named) for t in each.tasks for role, file in each.at(t).files.items()
        }
        yield from ((f"{role}=", name) for role, name in sorted(roles.items()) if role.startswith(incomplete))
    except ComfyHeadlessError:
        return


def model_file_names(incomplete: str) -> list[str]:
    """Complete ``folder/name`` of a model file that presets name."""
    return _of_presets(lambda preset: preset.model_files(), incomplete)


def family_names(incomplete: str) -> list[str]:
    """Complete the name of a family."""
    return _of_presets(lambda preset: [preset.family], incomplete)


def prompt_model_names(incomplete: str) -> list[str]:
    """Complete the name of a preset or a family, as a prompt is written for one."""
    return _of_presets(lambda preset: [preset.name, preset.family], incomplete)


def style_names(incomplete: str) -> list[str]:
    """Complete the name of a style that prompts are improved in."""
    return [name for name in styles() if name.startswith(incomplete.casefold())]


def length_names(incomplete: str) -> list[str]:
    """Complete how long a prompt should be, where it is said in words."""
    return [name for name in LENGTHS if name.startswith(incomplete)]


def language_names(incomplete: str) -> list[tuple[str, str]]:
    """Complete the code of a language that a prompt can be asked for in."""
    return [(code, name) for code, name in LANGUAGES.items() if code.startswith(incomplete)]


def engine_names(incomplete: str) -> list[str]:
    """Complete the name of an engine that improves prompts."""
    return [name for name in NAMES if name.startswith(incomplete)]


def licence_names(incomplete: str) -> list[str]:
    """Complete the name of a licence of weights."""
    return _of_presets(lambda preset: [preset.licence.name], incomplete)


def pack_names(incomplete: str) -> list[str]:
    """Complete the name of a node pack that presets need, or none."""
    return _of_presets(lambda preset: [NO_PACKS, *(pack.name for pack in preset.packs)], incomplete)


def _of_presets(names: Callable[[Preset], Iterable[str]], incomplete: str) -> list[str]:
    try:
        every = [*VIDEO_PRESETS.values(), *IMAGE_PRESETS.values()]
    except ComfyHeadlessError:
        return []
    told = dict.fromkeys(name for preset in every for name in names(preset))
    return [name for name in told if name.casefold().startswith(incomplete.casefold())]


def sampler_names(incomplete: str) -> list[str]:
    """Complete the name of a sampler of ComfyUI 0.30.0."""
    return _choices("sampler_name", incomplete)


def scheduler_names(incomplete: str) -> list[str]:
    """Complete the name of a scheduler of ComfyUI 0.30.0."""
    return _choices("scheduler", incomplete)


def _choices(name: str, incomplete: str) -> list[str]:
    known = Schemas.snapshot()["KSampler"].input(name)
    return [choice for choice in (known and known.choices) or () if choice.startswith(incomplete)]


def completion(words: Sequence[str], program: str) -> Action | None:
    """Return the action if the words ask for the script of a shell: ``--show-completion [SHELL]``.

    Raises:
        ValidationError: there is no such shell, or none is named and ``$SHELL`` is none of them.
    """
    if not words or words[0] not in _FLAGS:
        return None
    if len(words) > 2:
        raise ValidationError(f"{words[0]} takes one shell, not {' '.join(words[1:])!r}")
    shell = words[1] if len(words) == 2 else Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        which = f"shell {shell!r}" if shell or len(words) == 2 else "no shell in $SHELL"
        raise ValidationError(f"{which}: name one of {', '.join(SHELLS)}, such as {words[0]} bash")
    return partial(_show if words[0] == _FLAGS[0] else _install, shell, program)


def _show(shell: str, program: str, terminal: Terminal) -> Answer:
    script = _script(shell, program)
    return Answer({"shell": shell, "script": script}, script)


def _install(shell: str, program: str, terminal: Terminal) -> Answer:
    from typer._completion_shared import install

    try:
        _, path = install(shell, program, _variable(program))
        if shell == "zsh":
            path.write_text(_script(shell, program) + "\n")
    except OSError as error:
        raise ComfyHeadlessError(
            f"cannot install completion for {shell}: {error.strerror or error} ({error.filename}). "
            f"{program} --show-completion {shell} prints it, to put where you like"
        ) from error
    terminal.note(f"completion for {shell} begins in the next shell that is started")
    return Answer({"shell": shell, "path": str(path)}, str(path))


def _script(shell: str, program: str) -> str:
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name=program, complete_var=_variable(program), shell=shell)
    if shell != "zsh":
        return script
    # zsh loads the file at the first TAB, by calling it: typer's script (0.16 to 0.29) then completes nothing
    at_once = f'_{program.replace("-", "_")}_completion "$@"'
    return f"{script}\n\nif [[ $funcstack[1] == _{program} ]]; then {at_once}; fi"


def _variable(program: str) -> str:
    return f"_{program.replace('-', '_').upper()}_COMPLETE"
