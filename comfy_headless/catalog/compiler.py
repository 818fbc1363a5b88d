"""A preset and a prompt become a graph: pure and offline, no file is opened and no server asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from comfy_headless.catalog.compiled import RANDOM, CompiledWorkflow, drawn_seed, uploads_of
from comfy_headless.catalog.media_in import MediaLike
from comfy_headless.catalog.models import VideoSettings
from comfy_headless.catalog.old_names import renamed
from comfy_headless.catalog.own_workflow import compile_template
from comfy_headless.catalog.preset import AtTask, Preset, task_for
from comfy_headless.catalog.preset_file import Task
from comfy_headless.catalog.presets import PRESETS, PresetLibrary, no_preset
from comfy_headless.catalog.roles import check_roles
from comfy_headless.catalog.settings import effective
from comfy_headless.catalog.variants import Variants, parted
from comfy_headless.catalog.vary import Workshop, apply, parts_of, vary
from comfy_headless.errors import ValidationError
from comfy_headless.graph.schemas import Schemas
from comfy_headless.graph.source import Graph
from comfy_headless.graph.template import Template
from comfy_headless.graph.transforms.files import with_files
from comfy_headless.graph.transforms.wires import Changed
from comfy_headless.graph.values import shown

_MAKES: Final[Mapping[str, str]] = {
    "video": "a video: generate_video takes it (comfy-headless generate)",
    "image": "an image: generate_image takes it (comfy-headless image)",
}


class WorkflowCompiler:
    """Compiles presets and templates.

    Args:
        presets: where names are looked up; None is all that there are. ``PresetLibrary([folder])`` adds own ones.
        hints: whether an error about a variant names the presets that have a place for it: they are all looked at.
    """

    def __init__(self, presets: PresetLibrary | None = None, *, hints: bool = True) -> None:
        self._presets = PRESETS if presets is None else presets
        self._hints = hints

    def compile(self, preset: str | Preset | Template, prompt: str = "", **values: Any) -> CompiledWorkflow:
        """Return the graph of a preset, by name or itself, or of a template with its parameters.

        Args:
            values: for a preset: ``image``, ``last_image``, ``negative_prompt``, ``seed`` (None, -1 or "random" draws
                one), ``allow_untested``, ``files`` (other model files by role, as the server lists them), and its
                settings, or ``settings=VideoSettings(...)``. For a template: its parameters; a seed of -1 or "random"
                is drawn.

        Raises:
            ValidationError: unknown preset, setting or role, an image too many or too few, or a value that does not
                fit.
        """
        if isinstance(preset, Template):
            return compile_template(preset, {**({"prompt": prompt} if prompt else {}), **values})
        found = self._find(preset) if isinstance(preset, str) else preset
        if not isinstance(found, Preset):
            raise ValidationError(f"preset={shown(preset)}: expected a preset's name, a Preset or a Template")
        return self._compile_preset(found, prompt, values)

    def _find(self, name: str) -> Preset:
        try:
            return self._presets[name]
        except KeyError:
            if name in PRESETS:
                raise ValidationError(f"the preset {name!r} makes {_MAKES[PRESETS[name].makes]}") from None
            raise no_preset(name, self._presets) from None

    def _compile_preset(self, preset: Preset, prompt: str, values: Mapping[str, Any]) -> CompiledWorkflow:
        variants, rest = parted(renamed(values))
        files = rest.pop("files", None) or {}
        image, last_image, negative_prompt, seed, allow_untested, asked = _sorted(rest)
        task = self._task(preset, image, last_image)
        template = preset.template(task)
        known, notes = effective(preset, task, asked, allow_untested=allow_untested)
        number = _seed(seed, template)
        texts, said = _texts(preset, template, prompt, negative_prompt, known)
        uploads, names = uploads_of(template, {"image": image, "last_image": last_image})
        filled = {
            **texts,
            **{name: value for name, value in known.items() if name in template.parameters},
            **{role: file.name for role, file in preset.at(task).files.items()},
            **names,
            "seed": number,
            "filename_prefix": f"comfy_headless/{preset.name}" if "filename_prefix" in template.parameters else None,
        }
        graph, placed = _with_files(template.bind(filled, any_choice=allow_untested), preset.at(task), files)
        own = {name: item.value for name, item in preset.variants.items()}
        varied = Variants(**{**own, **variants}).given()
        graph, told = self._vary(graph, preset, task, varied)
        notes = (*notes, *_unlisted(template, known), *said, *placed, *told)
        used, needed = _files_of(graph, preset.at(task)), preset.needs.comfyui
        return CompiledWorkflow(
            graph=graph,
            seed=number,
            settings={**known, **varied},
            notes=notes,
            uploads=uploads,
            preset=preset.name,
            task=task,
            files=used,
            comfyui=None if needed is None else needed.value,
        )

    def _vary(self, graph: Graph, preset: Preset, task: Task, variants: Mapping[str, Any]) -> Changed:
        """Apply variants; what the preset has no place for names those that have."""
        notes: list[str] = []
        for part in parts_of(variants):
            try:
                graph, said = apply(graph, part, self._workshop(preset, task))
            except ValidationError as error:
                able = ", ".join(self._able(task, part, but=preset)) if self._hints else ""
                hint = f"; presets that can: {able}" if able else ""
                raise ValidationError(f"{preset.name}: {error}{hint}") from error
            notes += said
        return Changed(graph, tuple(notes))

    def _workshop(self, preset: Preset, task: Task) -> Workshop:
        parameters = preset.template(task).parameters
        roles = [role for role in preset.lora_roles or () if role in parameters]
        loaders = [slot.node_id for role in roles for slot in parameters[role].slots]
        return Workshop(self._presets.files, loaders or None)

    def _able(self, task: Task, part: Mapping[str, Any], *, but: Preset) -> Iterator[str]:
        """The other presets for ``task`` that make the same kind of thing and have a place for a variant."""
        for name, preset in self._presets.items():
            if task in preset.tasks and name != but.name and preset.makes == but.makes:
                try:
                    vary(preset.template(task).graph, part, self._workshop(preset, task))
                except ValidationError:
                    continue
                yield name

    def _task(self, preset: Preset, image: object, last_image: object) -> Task:
        """Choose the template by the images given."""
        wanted = task_for(image, last_image)
        if image is None and last_image is not None:
            both = ", ".join(name for name, each in self._presets.items() if "first_last" in each.tasks) or "none"
            raise ValidationError(
                f"last_image is given without image: the first frame is needed too; presets that take both: {both}"
            )
        if wanted in preset.tasks:
            return wanted
        fitting = [n for n, each in self._presets.items() if wanted in each.tasks and each.makes == preset.makes]
        has = {"text": "no image is given", "image": "one image is given", "first_last": "two images are given"}[wanted]
        takes = {"text": "no image", "image": "one image", "first_last": "a first and a last image"}
        raise ValidationError(
            f"{preset.name} takes {' or '.join(takes[task] for task in preset.tasks)}, but {has}; "
            f"presets that fit: {', '.join(fitting) or 'none'}"
        )


def compile_workflow(
    preset: str | Preset,
    prompt: str = "",
    *,
    image: MediaLike | None = None,
    last_image: MediaLike | None = None,
    negative_prompt: str | None = None,
    seed: int | None = None,
    files: Mapping[str, str] | None = None,
    **settings: Any,
) -> Graph:
    """Return the graph of a video or image in API format, JSON-ready; nothing is opened and nothing is sent.

    Args:
        image: the first frame, as ``generate_video`` takes it; the base name of a path goes into the graph.
        last_image: the last frame, for presets that take one.
        seed: None draws one; ``WorkflowCompiler`` tells which.
        files: model files to take instead of the preset's, by role and as the server lists them, such as
            ``{"model": "wan/mine.safetensors"}``; a GGUF file brings its loader.
        settings: of ``VideoSettings`` or declared by the preset, and ``Variants`` such as ``loras={"name": 0.8}``;
            ``allow_untested=True`` for untried values.

    Raises:
        ValidationError: unknown preset, setting or role, an image too many or too few, or a value that does not fit.
    """
    given = {"image": image, "last_image": last_image, "negative_prompt": negative_prompt, "seed": seed, "files": files}
    return WorkflowCompiler().compile(preset, prompt, **given, **settings).graph


def _sorted(values: Mapping[str, Any]) -> tuple[Any, Any, Any, Any, bool, dict[str, Any]]:
    """Part a call's values: what it is about, and the settings."""
    rest = dict(values)
    about = [rest.pop(name, None) for name in ("image", "last_image", "negative_prompt", "seed")]
    allow_untested, settings = rest.pop("allow_untested", None), rest.pop("settings", None)
    if not isinstance(allow_untested, bool | None):
        raise ValidationError(f"allow_untested={shown(allow_untested)}: expected True or False")
    if settings is not None:
        if not isinstance(settings, VideoSettings):
            raise ValidationError(f"settings={shown(settings)}: expected VideoSettings(...)")
        both = settings.given().keys() & {name for name, value in rest.items() if value is not None}
        if both:
            raise ValidationError(f"{', '.join(sorted(both))}: given twice, in settings= and by name")
        rest.update(settings.given())
    return about[0], about[1], about[2], about[3], bool(allow_untested), rest


def _texts(
    preset: Preset, template: Template, prompt: str, negative_prompt: str | None, values: Mapping[str, Any]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the prompts that the template takes, and what became of those it does not."""
    texts: dict[str, str | None] = {}
    notes: list[str] = []
    if not isinstance(prompt, str):
        raise ValidationError(f"prompt={shown(prompt)}: expected text")
    if "prompt" in template.parameters:
        texts["prompt"] = prompt
        if not prompt.strip():
            notes.append("the prompt is empty")
    elif prompt.strip():
        notes.append(f"{preset.name} takes no text: the prompt is ignored")
    usual = preset.prompt.negative.value if preset.prompt.negative else None
    if "negative_prompt" in template.parameters:
        texts["negative_prompt"] = usual if negative_prompt is None else negative_prompt
        if negative_prompt and values.get("cfg") == 1:
            notes.append("at cfg 1 the negative prompt has no effect")
    elif negative_prompt:
        notes.append(f"{preset.name} takes no negative prompt: it is ignored")
    return {name: text for name, text in texts.items() if text is not None}, tuple(notes)


def _with_files(graph: Graph, view: AtTask, files: Mapping[str, str]) -> Changed:
    """Return the graph with other model files in these roles."""
    check_roles(files, view.files, view.template.name)
    parameters = view.template.parameters
    return with_files(graph, {place: name for role, name in files.items() for place in parameters[role].bindings})


def _files_of(graph: Graph, view: AtTask) -> dict[str, str]:
    """Return the model file of each role, as the graph names it."""
    places = {role: view.template.parameters[role].bindings[0] for role in view.files}
    return {role: graph[node_id]["inputs"][name] for role, (node_id, name) in places.items() if node_id in graph}


def _unlisted(template: Template, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which names were taken although the shipped schemas do not list them."""
    return tuple(
        f"untested: {name}={shown(value)} is not one that ComfyUI {Schemas.snapshot().version} itself has"
        for name, value in values.items()
        if name in template.parameters
        for slot in template.parameters[name].slots[:1]
        if slot.limits.choices and value not in slot.limits.choices
    )


def _seed(seed: Any, template: Template) -> int | None:
    if "seed" not in template.parameters:
        if seed is not None:
            raise ValidationError(f"{template.name} has no seed: seed={shown(seed)} would do nothing")
        return None
    if seed is None or (seed in RANDOM and not isinstance(seed, bool)):
        return drawn_seed()
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValidationError(f"seed={shown(seed)}: expected a whole number of at least 0, or None to draw one")
    return seed
