"""Read a prompt template: its signs become parts, and everything else stays as it stands.

The signs are those of sd-dynamic-prompts (dynamicprompts 0.31, docs/SYNTAX.md) that people use most::

    {a|b}  {3::a|b}  {2$$a|b|c}  {1-2$$ and $$a|b|c}     choices
    __animal__  __places/*__                             a line of a list
    ${name}  ${name:else}  ${name=value}  ${name=!value} variables
    \\{  \\}  \\|  \\$  \\_  \\:  \\#  \\\\                      the sign itself

A variable is set in the template itself, not inside of braces or in a list: so what it stands for does not depend on
what was drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple, NoReturn, TypeAlias

from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import shown

LONGEST: Final = 100_000
"""Characters of a template."""
DEEPEST: Final = 100
"""Braces inside of each other, lists that lead to lists, variables that stand for variables."""
_PLAIN: Final = re.compile(r"[^\\{}|$_]+")
_SIGNS: Final = re.compile(r"[\\{}|$]|__|::")
_ESCAPED: Final = re.compile(r"\\([{}|$_:#\\])")
_LIST: Final = re.compile(r"__(?=[^\s_])((?:(?!__)[^\n{}|$\\])+?)(?<!\s)__")
_NAME: Final = re.compile(r"[^\W\d]\w*")
_TAKES: Final = re.compile(r"\s*(?:([0-9]+)(?:(-)([0-9]+)?)?|(-)([0-9]+))\$\$(?:([^$|{}\\]*)\$\$)?")
_NEGATIVE: Final = re.compile(r"\s*-[0-9.]+::")
_WEIGHT: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)::")
_LONGEST_NUMBER: Final = 12
_SHOWN: Final = 80
_ONE: Final = Fraction(1)


class Text(NamedTuple):
    """Text that stays as it is."""

    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One of several texts, and how often it is drawn beside the others."""

    weight: Fraction
    body: Body


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Some of several options, none of them twice, in any order.

    Args:
        least, most: how many of them; ``most`` None is as many as there are.
        separator: what stands between two of them.
        source: as it stands in the template, for people; a long one is cut.
        place: where that is, for errors.
    """

    options: tuple[Option, ...]
    least: int
    most: int | None
    separator: str
    source: str
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One line of the lists that a name means."""

    name: str
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """What a name stands for; ``otherwise`` if it stands for nothing, None: that is an error."""

    name: str
    otherwise: Body | None
    place: str


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What a variable stands for, in all of the template and its lists.

    Args:
        once: it is drawn once for a text; else anew wherever it stands.
    """

    name: str
    value: Body
    once: bool
    place: str


Part: TypeAlias = Text | Choice | Listed | Variable
Body: TypeAlias = tuple[Part, ...]


class Parsed(NamedTuple):
    """A template as it was read."""

    body: Body
    settings: tuple[Setting, ...]


def parse(text: str) -> Parsed:
    """Read a template; raises ValidationError with the place of what cannot be read."""
    if len(text) > LONGEST:
        raise ValidationError(f"template of {len(text)} characters: it may have {LONGEST}")
    reader = _Reader(text, "template", settable=True)
    return Parsed(reader.read(), tuple(reader.settings))


def parse_line(line: str, where: str) -> Option:
    """Read a line of a list, which may begin with a weight.

    Args:
        where: what errors call the line.
    """
    if not _SIGNS.search(line):
        return Option(_ONE, (Text(line),))
    if len(line) > LONGEST:
        raise ValidationError(f"{where}: a line of {len(line)} characters; it may have {LONGEST}")
    reader = _Reader(line, where, settable=False)
    return Option(reader.weight(), reader.read())


class _Reader:
    """Reads one text from its beginning to its end."""

    def __init__(self, text: str, where: str, *, settable: bool) -> None:
        self.text, self.where, self.settable = text, where, settable
        self.at = 0
        self.depth = 0
        self.settings = list[Setting]()

    def read(self) -> Body:
        body = self.body("")
        if self.at < len(self.text):
            self.fail(self.at, "'}' closes nothing; write \\} for a brace that is meant")
        return body

    def body(self, ends: str) -> Body:
        """Read parts up to one of the signs ``ends``, or to the end."""
        parts, plain, text = list[Part](), list[str](), self.text
        while self.at < len(text) and text[self.at] not in ends:
            sign = text[self.at]
            if found := _PLAIN.match(text, self.at) or _ESCAPED.match(text, self.at):
                plain.append(found[1] if sign == "\\" else found[0])
                self.at = found.end()
                continue
            if sign == "}":
                break
            part = self.sign(sign)
            if isinstance(part, str):
                plain.append(part)
            elif part is not None:
                parts += [Text("".join(plain))] if plain else []
                parts.append(part)
                plain.clear()
        return (*parts, Text("".join(plain))) if plain else tuple(parts)

    def sign(self, sign: str) -> Part | str | None:
        """Read what a sign begins; a text is that the sign means nothing here, None a variable that was set."""
        text = self.text
        if sign == "{":
            return self.choice()
        if sign == "$" and text.startswith("${", self.at):
            return self.variable()
        if sign == "_" and (found := _LIST.match(text, self.at)):
            place = self.place(self.at)
            self.at = found.end()
            return Listed(found[1], place)
        self.at += 1
        return sign

    def choice(self) -> Choice:
        start = self.enter(1)
        takes = _TAKES.match(self.text, self.at)
        if takes:
            self.at = takes.end()
        options = [self.option()]
        while self.text.startswith("|", self.at):
            self.at += 1
            options.append(self.option())
        self.leave(start, "{")
        source = self.text[start : self.at]
        least, most, separator = self.takes(start, takes)
        drawn = tuple(option for option in options if option.weight)
        if not drawn:
            self.fail(start, f"every option of {shown(source)} has the weight 0")
        short = source if len(source) <= _SHOWN else f"{source[: _SHOWN - 3]}..."
        return Choice(drawn, least, most, separator, short, self.place(start))

    def takes(self, start: int, found: re.Match[str] | None) -> tuple[int, int | None, str]:
        """Return the least and the most that a choice takes, and what stands between."""
        if found is None:
            return 1, 1, ""
        exact, dash, upper, begins, alone, separator = found.groups()
        if any(number and len(number) > _LONGEST_NUMBER for number in (exact, upper, alone)):
            self.fail(start, f"{shown(found[0])}: no choice takes so many")
        least = 1 if begins else int(exact)
        most = int(alone) if begins else int(upper) if upper else None if dash else least
        if most is not None and most < least:
            self.fail(start, f"{shown(found[0])}: {least} to {most} are none; the smaller number comes first")
        return least, most, ", " if separator is None else separator

    def option(self) -> Option:
        return Option(self.weight(), self.body("|}"))

    def weight(self) -> Fraction:
        found = _WEIGHT.match(self.text, self.at)
        if not found:
            if _NEGATIVE.match(self.text, self.at):
                self.fail(self.at, "a weight is 0 or more; write \\:: for the signs")
            return _ONE
        if len(found[1]) > _LONGEST_NUMBER:
            self.fail(found.start(1), f"weight {shown(found[1])}: at most {_LONGEST_NUMBER} digits")
        self.at = found.end()
        return Fraction(found[1].rstrip("."))

    def variable(self) -> Variable | None:
        start = self.enter(2)
        found = _NAME.match(self.text, self.at)
        if not found:
            self.fail(
                start, "'${' begins a variable, and no name follows; write \\$ before a choice, $\\{ for the signs"
            )
        name, self.at = found[0], found.end()
        if self.text.startswith("=", self.at):
            self.setting(start, name)
            return None
        otherwise = None
        if self.text.startswith(":", self.at):
            self.at += 1
            otherwise = self.body("}")
        elif self.at < len(self.text) and self.text[self.at] != "}":
            self.fail(
                start, f"'${{{name}' goes on with {self.text[self.at]!r}; expected }} or :value or =value or =!value"
            )
        self.leave(start, "${")
        return Variable(name, otherwise, self.place(start))

    def setting(self, start: int, name: str) -> None:
        if not self.settable or self.depth > 1:
            inside = "inside of braces" if self.settable else "in a list"
            self.fail(start, f"variable {name!r} is set {inside}; set it in the template itself")
        if any(each.name == name for each in self.settings):
            self.fail(start, f"variable {name!r} is set twice")
        once = self.text.startswith("=!", self.at)
        self.at += 2 if once else 1
        value = self.body("}")
        self.leave(start, "${")
        self.settings.append(Setting(name, value, once, self.place(start)))

    def enter(self, signs: int) -> int:
        start = self.at
        self.at += signs
        self.depth += 1
        if self.depth > DEEPEST:
            self.fail(start, f"more than {DEEPEST} braces inside of each other")
        return start

    def leave(self, start: int, opened: str) -> None:
        if self.at >= len(self.text):
            self.fail(start, f"{opened!r} is never closed; write {opened[:-1]}\\{{ for a brace that is meant")
        self.at += 1
        self.depth -= 1

    def place(self, at: int) -> str:
        """What errors call a place: characters count from 1, lines where there are several."""
        line = f", line {self.text.count(chr(10), 0, at) + 1}" if "\n" in self.text else ""
        return f"{self.where}{line}, character {at - self.text.rfind(chr(10), 0, at)}"

    def fail(self, at: int, why: str) -> NoReturn:
        near = self.text[at : at + 30]
        raise ValidationError(f"{self.place(at)} ({shown(near)}): {why}")
