"""The program: typer reads the words, one place runs what they ask for and reports how it ended.

A command's function only reads its arguments and returns an action; nothing runs inside typer, which would turn
Ctrl-C and errors into its own words.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import TracebackType
from typing import Annotated, Any, Final

import typer

from comfy_headless import __version__
from comfy_headless.cli import (
    check,
    compile_graph,
    convert,
    describe,
    doctor,
    extras,
    generate,
    image,
    jobs,
    models,
    presets,
    prompt,
    recommend,
    run_workflow,
    serve,
    simulate,
)
from comfy_headless.cli.completion import completion
from comfy_headless.cli.endings import DONE, INTERRUPTED, SHARED_FLAGS, WRONG_USE, without
from comfy_headless.cli.listed import USAGE_ERROR, Listed
from comfy_headless.cli.options import Debug, Json, LogJson
from comfy_headless.cli.output import Action, Answer, Terminal
from comfy_headless.errors import ComfyHeadlessError, ValidationError

NAME: Final = "comfy-headless"
_MAKE: Final = "Make something"
_BEFORE: Final = "Before anything is sent"
_WHERE: Final = "The server and this machine"

app = typer.Typer(
    name=NAME,
    epilog="Exit codes: 0 done, 1 failed or cancelled by another, 2 wrong use or missing extra, 3 server unreachable, "
    "4 rejected by the server, or it lacks files, 5 timed out, 130 interrupted.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("generate", epilog=generate.EPILOG, rich_help_panel=_MAKE)(generate.generate)
app.command("image", epilog=image.EPILOG, rich_help_panel=_MAKE)(image.image)
app.command("run", cls=Listed, epilog=run_workflow.EPILOG, rich_help_panel=_MAKE)(run_workflow.run)
app.add_typer(jobs.app, name="jobs", rich_help_panel=_MAKE)
app.command("check", epilog=check.EPILOG, rich_help_panel=_BEFORE)(check.check)
app.command("describe", epilog=describe.EPILOG, rich_help_panel=_BEFORE)(describe.describe)
app.command("recommend", epilog=recommend.EPILOG, rich_help_panel=_BEFORE)(recommend.recommend)
app.add_typer(prompt.app, name="prompt", rich_help_panel=_BEFORE)
app.command("compile", epilog=compile_graph.EPILOG, rich_help_panel=_BEFORE)(compile_graph.compile_graph)
app.command("convert", epilog=convert.EPILOG, rich_help_panel=_BEFORE)(convert.convert)
app.add_typer(presets.app, name="presets", rich_help_panel=_BEFORE)
app.add_typer(models.app, name="models", rich_help_panel=_BEFORE)
app.command("doctor", epilog=doctor.EPILOG, rich_help_panel=_WHERE)(doctor.doctor)
app.command("serve", epilog=serve.EPILOG, rich_help_panel=_WHERE)(serve.serve)
app.command("simulate", rich_help_panel=_WHERE)(simulate.simulate)
app.command("features", rich_help_panel=_WHERE)(extras.features)


@app.callback(invoke_without_command=True)
def _top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    as_json: Json = False,
    log_json: LogJson = False,
    debug: Debug = False,
) -> Action | None:
    """Video out of ComfyUI: a prompt in, an mp4 out; images too."""
    if version:
        return lambda terminal: Answer({"version": __version__}, f"{NAME} {__version__}")
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(WRONG_USE)
    return None


def run(words: list[str], *, alone: bool = False) -> int:
    """Read the words, do what they ask for, report how it ended; return the exit code.

    Args:
        alone: the process is this program's own: a fault of ours is reported as a block too.
    """
    terminal = Terminal.for_words(words)
    if alone:
        _report_faults(terminal)
        _hush_interrupts()
    with terminal.logging(), _stoppable():
        try:
            rest = _without_shared(words, terminal)
            with terminal.lent():
                action = completion(rest, NAME) or _read(rest)
            answer = action(terminal) if callable(action) else None
            if answer is not None:
                terminal.answer(answer)
                return answer.code
            return action if isinstance(action, int) else DONE
        except (ComfyHeadlessError, KeyboardInterrupt) as error:
            return terminal.fail(error)


def _without_shared(words: list[str], terminal: Terminal) -> list[str]:
    """Return the words without the flags that the terminal has read already, which may stand anywhere."""
    rest = without(SHARED_FLAGS, words)
    if not rest and terminal.as_json:
        raise ValidationError(f"name a command; {NAME} --help shows them all")
    return rest


@cache
def _program() -> Any:
    """All commands with their options; typer takes 20 ms to put them together."""
    return typer.main.get_command(app)


def _read(words: list[str]) -> Action | int | None:
    """Return the action that the words ask for; a number is the exit code of what typer did itself (help)."""
    try:
        read: Action | int | None = _program().main(words, prog_name=NAME, standalone_mode=False)
    except USAGE_ERROR as error:
        raise ValidationError(_usage(error, words)) from error
    except typer.Abort:
        return INTERRUPTED
    return read


def _usage(error: BaseException, words: list[str]) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else _path(words)
    message = str(error.format_message()).rstrip(".") if hasattr(error, "format_message") else str(error)
    message = message.replace(": Value error, ", ": ")  # pydantic's word, in the messages of typer 0.29
    return f"{message}{'' if message.endswith('?') else '.'} See {path} --help"


def _path(words: list[str]) -> str:
    """Return the command that words name; an option without its value tells none."""
    path, command = [NAME], _program()
    for word in words:
        if (found := getattr(command, "commands", {}).get(word)) is not None:
            path.append(word)
            command = found
    return " ".join(path)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let the end of the terminal or of the container interrupt a job as Ctrl-C does, so that it is cancelled."""
    before = {}
    try:
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, signal.default_int_handler)
    except ValueError:  # not in the main thread
        before.clear()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hush_interrupts() -> None:
    """Say nothing of an interrupt that strikes while Python closes a file: it strikes again right after."""
    told = sys.unraisablehook

    def hook(fault: sys.UnraisableHookArgs, /) -> None:
        if not isinstance(fault.exc_value, KeyboardInterrupt):
            told(fault)

    sys.unraisablehook = hook


def _report_faults(terminal: Terminal) -> None:
    """Report an exception that nobody expected as one block, like all others; Python then ends with 1."""

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        terminal.fail(error)

    sys.excepthook = report
