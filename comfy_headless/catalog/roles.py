"""Which file on a server fills each role of a preset: a pure function of what the server lists.

In this order: the file that the caller names; the preset's own file, wherever it lies and by any name that it goes by;
the same network in another precision. What nobody describes is never taken unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final, Literal, NamedTuple

from comfy_headless.catalog.facts import ServerFacts
from comfy_headless.catalog.files import ModelFiles
from comfy_headless.catalog.precisions import rank, size_gb
from comfy_headless.catalog.preset import AtTask
from comfy_headless.catalog.preset_file import ModelFile
from comfy_headless.errors import ValidationError
from comfy_headless.graph.file_inputs import MODEL_INPUTS
from comfy_headless.graph.listed import Found, file_name, find_listed, lists_backslashes
from comfy_headless.graph.transforms.files import FROM_GGUF, GGUF_LOADERS, is_gguf, is_scaled_fp8, places_note
from comfy_headless.graph.values import nearest, shown

How = Literal["given", "own", "also", "equivalent"]
"""By what a file was found: the caller, the preset's name, another name of that file, another precision."""

_EXPERTS: Final = frozenset({"high_model", "low_model"})
"""Roles of the two experts of one model, which differ in nothing but their noise."""

_SWAPPED: Final = frozenset({*GGUF_LOADERS, *FROM_GGUF})
"""Loaders whose place another one can take."""

_PACK: Final = "the node pack ComfyUI-GGUF (GitHub city96/ComfyUI-GGUF)"

_LOOKED_INTO: Final = frozenset(MODEL_INPUTS.values())
_SHOWN: Final = 8


class Filled(NamedTuple):
    """A role and its file.

    Args:
        file: what it is; None for one that the caller named and nobody describes.
        listed: its name, exactly as the server lists it.
    """

    role: str
    file: ModelFile | None
    listed: str
    how: How


class Missing(NamedTuple):
    """A role that nothing on the server fills, the preset's own file, and one line on where to get that."""

    role: str
    file: ModelFile
    line: str


class Filling(NamedTuple):
    """The roles of a preset on one server.

    Args:
        roles: those that are filled, by name.
        notes: one line for each file that is not the preset's own name at the top of its folder.
    """

    roles: dict[str, Filled]
    missing: tuple[Missing, ...]
    notes: tuple[str, ...]

    @property
    def files(self) -> dict[str, str]:
        """The names by role, as the compiler takes them."""
        return {role: filled.listed for role, filled in self.roles.items()}


class _Option(NamedTuple):
    """A file that can fill a role."""

    file: ModelFile | None
    found: Found
    how: How


class _Server(NamedTuple):
    """What is looked into: the preset at its task, the files that are described, and those that the server has."""

    view: AtTask
    library: ModelFiles
    facts: ServerFacts
    any_case: bool

    def find(self, name: str, folder: str) -> Found | None:
        if folder not in _LOOKED_INTO:
            return Found(name)  # no loader lists it: it is taken to be there
        return find_listed(name, self.facts.files.get(folder, frozenset()), any_case=self.any_case)

    def described(self, name: str, folder: str) -> ModelFile | None:
        """Return what is known of a file of that name."""
        every = [file for file in (*self.view.files.values(), *self.library.values()) if file.folder == folder]
        return next(
            (file for file in every if find_listed(file_name(name), _names(file), any_case=self.any_case)), None
        )

    def without_pack(self, role: str) -> str | None:
        """Return a loader of GGUF files that the role would need and the server lacks."""
        classes = (GGUF_LOADERS.get(slot, slot) for slot in _loaders(self.view, role) if slot in _SWAPPED)
        known = self.facts.node_classes
        return next((each for each in classes if known and each not in known), None)

    def reads(self, role: str, name: str) -> bool:
        """Return whether the role's loader reads such a file, or one that can take its place on this server."""
        if not is_gguf(name):
            return True
        swapped = all(slot in _SWAPPED for slot in _loaders(self.view, role))
        return swapped and self.without_pack(role) is None


def fill(
    view: AtTask,
    library: ModelFiles,
    facts: ServerFacts,
    *,
    given: Mapping[str, str] | None = None,
    vram_gb: float | None = None,
    room_gb: float = 0.0,
) -> Filling:
    """Find the file on a server for each role of a preset.

    Several precisions of a network: the best that leaves ``room_gb`` of ``vram_gb``, else the smallest; the two experts
    of one model in the same one, if both have one in common.

    Args:
        given: names by role that the caller wants, as the server lists them or without their folders.
        vram_gb: GiB of the card; None: the best precision is taken.
        room_gb: GiB that are needed beside a model's weights.

    Raises:
        ValidationError: ``given`` names no role, a file that is not there, or one that cannot fill its role.
    """
    server = _Server(view, library, facts, lists_backslashes(facts.files))
    wanted = {} if given is None else given
    check_roles(wanted, view.files, view.template.name)
    options = {
        role: [_named(server, role, wanted[role])] if role in wanted else _find(server, role, own, vram_gb, room_gb)
        for role, own in view.files.items()
    }
    chosen: dict[str, _Option] = {}
    for group in _groups(view):
        chosen |= _choose(view, {role: options[role] for role in group})
    roles = {role: chosen[role] for role in view.files if role in chosen}
    missing = [
        Missing(role, own, _missing_line(server, role, own)) for role, own in view.files.items() if role not in roles
    ]
    filled = {role: Filled(role, each.file, each.found.name, each.how) for role, each in roles.items()}
    notes = [note for role, each in roles.items() for note in _notes(role, each, view.files[role], wanted.get(role))]
    return Filling(filled, tuple(missing), tuple(notes))


def place_file(file: ModelFile) -> str:
    """Return one line that says where a preset's file belongs and where it is had."""
    size = f" ({file.size_gb:g} GB)" if file.size_gb is not None else ""
    known = "TODO" not in file.repository
    whence = f"from Hugging Face {file.repository}: {file.path}" if known else "from where its preset does not say yet"
    return f"{file.name}{size} into ComfyUI/models/{file.folder}/, {whence}"


def check_roles(files: Mapping[str, object], roles: Iterable[str], where: str) -> None:
    """Raise ValidationError unless ``files`` names roles, and a file for each."""
    known = list(roles)
    if not isinstance(files, Mapping):
        raise ValidationError(f"files={shown(files)}: expected a role and a file's name for each, {{'model': 'x'}}")
    for role, name in files.items():
        if role not in known:
            raise ValidationError(
                f"files: {where} has no role {role!r}{nearest(str(role), known)} It has: {', '.join(known) or 'none'}"
            )
        if not isinstance(name, str) or not name.strip():
            raise ValidationError(f"files: {role}={shown(name)}: expected a file's name, as the server lists it")


def _named(server: _Server, role: str, value: str) -> _Option:
    """Return the file that the caller names."""
    own = server.view.files[role]
    found = server.find(value, own.folder)
    what = f"files: {role}={value!r}"
    if found is None:
        raise ValidationError(_not_there(server, what, value, own.folder))
    file = server.described(found.name, own.folder)
    other = file and _difference(file, own)
    if other:
        raise ValidationError(f"{what}: {other}; {server.view.template.name} cannot use it")
    if not server.reads(role, found.name):
        lacking = server.without_pack(role)
        gguf = "a GGUF file, and nothing that loads those can take its loader's place"
        raise ValidationError(f"{what}: {gguf if lacking is None else f'the server has no {lacking}: {_PACK}'}")
    return _Option(file, found, "given")


def _not_there(server: _Server, what: str, value: str, folder: str) -> str:
    listed = sorted(server.facts.files.get(folder, ()))
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    there = f"{', '.join(listed[:_SHOWN])}{more}" if listed else "nothing"
    for other in server.facts.files:
        found = server.find(value, other)
        if other != folder and other in _LOOKED_INTO and found is not None:
            there += f". {found.name} lies in {other}/, where this role is not read from"
    near = nearest(file_name(value), map(file_name, listed))
    return f"{what}: the server lists no such file in {folder}/{near} It has {there}"


def _difference(file: ModelFile, own: ModelFile) -> str:
    """Say how a file is another network than the one that a role is for, as far as both are described."""
    for one, other in ((file.network, own.network), (file.vae, own.vae)):
        if one is not None and other is not None:
            return f"{file.name} holds {one}, and the role is for {other}" if one != other else ""
    if file.weights is not None and own.weights is not None and file.weights != own.weights:
        return f"{file.name} holds {file.weights}, and the role is for {own.weights}"
    return ""


def _find(server: _Server, role: str, own: ModelFile, vram_gb: float | None, room_gb: float) -> list[_Option]:
    """Return what can fill a role unasked, the first choice first."""
    same = [file for file in server.library.values() if own.weights and file.weights == own.weights]
    others = [file for file in same if file.folder == own.folder and file.key != own.key]
    equivalents = [option for file in others if (option := _there(server, role, file)) is not None]

    def order(option: _Option) -> tuple[bool, float, float, str]:
        file = option.file or own
        size = size_gb(file, same)
        fits = vram_gb is None or size + room_gb <= vram_gb
        return not fits, rank(file.precision) if fits else size, size, option.found.name

    first = _there(server, role, own)
    return [*([first] if first else []), *sorted(equivalents, key=order)]


def _there(server: _Server, role: str, file: ModelFile) -> _Option | None:
    """Return a described file if the server has it, by any of its names, and can load it."""
    own = file == server.view.files[role]
    for name in _names(file):
        found = server.find(name, file.folder)
        if found is not None and (own or server.reads(role, name)):
            return _Option(file, found, "equivalent" if not own else "own" if name == file.name else "also")
    return None


def _choose(view: AtTask, options: Mapping[str, Sequence[_Option]]) -> dict[str, _Option]:
    """Choose for roles that depend on each other; one without any option is left out."""
    roles = [role for role in options if options[role]]
    ranked = [list(enumerate(options[role])) for role in roles]
    best: tuple[bool, bool, int] | None = None
    chosen: dict[str, _Option] = {}
    for combination in product(*ranked):
        picked = {role: option for role, (_, option) in zip(roles, combination, strict=True)}
        precisions = {option.file.precision for role, option in picked.items() if role in _EXPERTS and option.file}
        key = _clash(view, picked), len(precisions) > 1, sum(place for place, _ in combination)
        if best is None or key < best:
            best, chosen = key, picked
    if best is not None and best[0] and not any(option.how == "given" for option in chosen.values()):
        plain = {role: [each for each in options[role] if not is_gguf(each.found.name)] for role in roles}
        return _choose(view, plain)
    return chosen


def _clash(view: AtTask, picked: Mapping[str, _Option]) -> bool:
    """Return whether one loader would get scaled fp8 beside GGUF, which that of ComfyUI-GGUF refuses."""
    nodes: dict[str, list[str]] = {}
    for role, option in picked.items():
        for slot in view.template.parameters[role].slots:
            nodes.setdefault(slot.node_id, []).append(option.found.name)
    return any(any(map(is_gguf, names)) and any(map(is_scaled_fp8, names)) for names in nodes.values())


def _groups(view: AtTask) -> Iterator[list[str]]:
    """The roles that are chosen together: two experts, and those that one loader of text encoders reads."""
    waiting = list(view.files)
    while waiting:
        role = waiting.pop(0)
        nodes = {slot.node_id for slot in view.template.parameters[role].slots if slot.class_type in _SWAPPED}
        group = [role]
        for other in list(waiting):
            slots = view.template.parameters[other].slots
            if {role, other} <= _EXPERTS or nodes & {slot.node_id for slot in slots}:
                group.append(other)
                waiting.remove(other)
        yield group


def _missing_line(server: _Server, role: str, own: ModelFile) -> str:
    line = f"{role}: {place_file(own)}"
    lacking = server.without_pack(role)
    if lacking is None or own.weights is None:
        return line
    same = [file for file in server.library.values() if (file.folder, file.weights) == (own.folder, own.weights)]
    for name in (name for file in same for name in _names(file) if is_gguf(name)):
        found = server.find(name, own.folder)
        if found is not None:
            return f"{line}. {found.name} is there, but needs {_PACK}"
    return line


def _notes(role: str, option: _Option, own: ModelFile, asked: str | None) -> Iterator[str]:
    listed = option.found.name
    if file_name(listed) == own.name:
        what = [] if listed == own.name else [f"{role}: {listed}"]
    else:
        precision = option.file.precision if option.file else "as given"
        what = [f"{role}: {listed}, {precision}, in place of {own.name}"]
    yield from what
    yield from (f"{role}: {line}" for line in places_note(asked or file_name(listed), option.found, own.folder))


def _names(file: ModelFile) -> tuple[str, ...]:
    return file.name, *file.also


def _loaders(view: AtTask, role: str) -> list[str]:
    return [slot.class_type for slot in view.template.parameters[role].slots]
