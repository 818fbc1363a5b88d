"""A template joined with its lists and variables: what can be drawn of it, how large that is, how many ways there are.

Everything that any draw may need is read here, so that an error never depends on the seed. What is drawn ends: nothing
leads back to itself, and no text is larger than the limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from math import factorial, lcm, perm, prod
from typing import Final, NamedTuple, TypeAlias

from comfy_headless.ai.wildcards import syntax
from comfy_headless.ai.wildcards.lists import MOST_LINES, Lists, names_of
from comfy_headless.ai.wildcards.syntax import DEEPEST, Choice, Listed, Option, Text, Variable
from comfy_headless.errors import ValidationError
from comfy_headless.graph.values import nearest

MOST_STEPS: Final = 1000
"""Choices and lines that one text is put together of."""
LONGEST_TEXT: Final = 100_000
"""Characters of one text."""
MOST_TOGETHER: Final = 100
"""Options that one choice puts together."""


class Size(NamedTuple):
    """How large a text can become: its choices, its characters, how deep choices lie inside of each other."""

    steps: int
    length: int
    depth: int


class Body(NamedTuple):
    """A text with what is drawn in it.

    Args:
        ways: how many ways there are to choose; two of them may lead to the same text.
    """

    parts: tuple[Part, ...]
    size: Size
    ways: int


class Once(NamedTuple):
    """A variable that is drawn once for a text, and how long its text can be."""

    name: str
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Texts to choose from.

    Args:
        sums: the sums of their weights as whole numbers.
        size: the largest of theirs.
    """

    bodies: tuple[Body, ...]
    sums: tuple[int, ...]
    size: Size
    ways: int


class Pick(NamedTuple):
    """Between ``least`` and ``most`` of a pool, none of them twice, in any order.

    Args:
        source: what it is in the template, for people.
    """

    pool: Pool
    least: int
    most: int
    separator: str
    source: str

    @property
    def free(self) -> bool:
        """Whether there is anything to choose; ``{a}`` is ``a``."""
        return len(self.pool.bodies) > 1 or self.least < self.most


Part: TypeAlias = Text | Pick | Once | Body


class Rules(NamedTuple):
    """A template, ready to be drawn from.

    Args:
        first: the variables that are drawn once for a text, each after those that it needs.
        steps: choices and lines that a text of it is put together of at the most.
        length: characters that it has at the most.
        ways: how many ways there are to choose.
    """

    body: Body
    first: Mapping[str, Body]
    steps: int
    length: int
    ways: int


def join(template: str, variables: Mapping[str, str], lists: Lists) -> Rules:
    """Join a template with its lists and variables.

    Args:
        variables: what the caller sets: text that stays as it is, in place of what the template sets.

    Raises:
        ValidationError: it cannot be read, a list or variable is missing or leads back to itself, a variable is given
            that is used nowhere, or a text of it could be too large.
    """
    parsed = syntax.parse(template)
    joiner = _Joiner({each.name: each for each in parsed.settings}, variables, lists)
    body = joiner.body(parsed.body)
    first = dict(joiner.first)
    for setting in parsed.settings:
        joiner.variable(Variable(setting.name, None, setting.place))  # what is used nowhere is read too
    unknown = next((name for name in variables if name not in joiner.used), None)
    if unknown is not None:
        used = sorted(joiner.used)
        there = f"{nearest(unknown, used)} It has {', '.join(used)}" if used else "; it has none"
        raise ValidationError(f"variable {unknown!r}: the template has none of that name{there}")
    bodies = (body, *first.values())
    steps = sum(each.size.steps for each in bodies)
    _check(Size(steps, body.size.length, 0), "template")
    return Rules(body, first, steps, body.size.length, prod(each.ways for each in bodies))


class _Joiner:
    """Looks up what a template names, each list and variable once."""

    def __init__(self, settings: Mapping[str, syntax.Setting], given: Mapping[str, str], lists: Lists) -> None:
        self.settings, self.given, self.lists = settings, given, lists
        self.first = dict[str, Body]()
        self.used = set[str]()
        self.depth = 0
        self.open = list[str]()
        self.values = dict[str, Body]()
        self.pools = dict[str, Pool]()
        self.lines = dict[str, tuple[tuple[Option, Body], ...]]()

    def body(self, parts: syntax.Body, where: str = "template") -> Body:
        if len(parts) == 1 and isinstance(parts[0], Text):  # most lines of most lists
            return Body((parts[0],), _size_of(parts[0]), 1)
        self.depth += 1
        if self.depth > DEEPEST + 1:
            raise ValidationError(f"{where}: more than {DEEPEST} choices, lists and variables inside of each other")
        joined = tuple([self.part(part) for part in parts])
        self.depth -= 1
        sizes = [_size_of(part) for part in joined]
        size = Size(*map(sum, zip(*sizes, strict=True))) if sizes else Size(0, 0, 0)
        size = size._replace(depth=max((each.depth for each in sizes), default=0))
        _check(size, where)
        return Body(joined, size, prod(map(_ways_of, joined)))

    def part(self, part: syntax.Part) -> Part:
        match part:
            case Choice():
                return self.choice(part)
            case Listed():
                return Pick(self.listed(part), 1, 1, "", f"__{part.name}__")
            case Variable():
                return self.variable(part)
            case Text():
                return part

    def choice(self, choice: Choice) -> Pick:
        """Join a choice; one that has a list alone takes several of its lines, as if they stood there."""
        alone = choice.options[0].body if len(choice.options) == 1 else ()
        if len(alone) == 1 and isinstance(alone[0], Listed):
            pool = self.listed(alone[0])
        else:
            pool = _pool([(option, self.body(option.body, choice.place)) for option in choice.options])
        there = len(pool.bodies)
        most = there if choice.most is None else min(choice.most, there)
        if most > MOST_TOGETHER:
            raise ValidationError(
                f"{choice.place}: {choice.source} puts up to {most} options together; {MOST_TOGETHER} are the most"
            )
        return Pick(pool, min(choice.least, there), most, choice.separator, choice.source)

    def listed(self, part: Listed) -> Pool:
        if part.name not in self.pools:
            names = names_of(part.name, self.lists, part.place)
            lines = [each for name in names for each in self.lines_of(name, part.place)]
            if not lines:
                raise ValidationError(f"{part.place}: list {part.name!r} in {self.lists.where} has no lines to choose")
            self.pools[part.name] = _pool(lines)
        return self.pools[part.name]

    def lines_of(self, name: str, place: str) -> tuple[tuple[Option, Body], ...]:
        def read() -> tuple[tuple[Option, Body], ...]:
            wheres: dict[str, str] = {}
            for where, line in self.lists.lines(name):
                wheres.setdefault(line, where)
            if len(wheres) > MOST_LINES:
                raise ValidationError(f"list {name!r} has {len(wheres)} lines; it may have {MOST_LINES}")
            options = [(syntax.parse_line(line, where), where) for line, where in wheres.items()]
            return tuple((option, self.body(option.body, where)) for option, where in options if option.weight)

        if name not in self.lines:
            with self.looking_up(f"__{name}__", place, f" (in {self.lists.where})"):
                self.lines[name] = read()
        return self.lines[name]

    def variable(self, part: Variable) -> Body | Once | Text:
        self.used.add(part.name)
        if part.name in self.given:
            return Text(self.given[part.name])
        setting = self.settings.get(part.name)
        if setting is None:
            return self.body(self.otherwise(part), part.place)
        if setting.name not in self.values:
            with self.looking_up(f"${{{setting.name}}}", part.place):
                self.values[setting.name] = self.body(setting.value, setting.place)
            if setting.once:
                self.first[setting.name] = self.values[setting.name]
        value = self.values[setting.name]
        return Once(setting.name, value.size.length) if setting.once else value

    def otherwise(self, part: Variable) -> syntax.Body:
        if part.otherwise is not None:
            return part.otherwise
        known = sorted({*self.given, *self.settings})
        there = f"{nearest(part.name, known)} Set are {', '.join(known)}" if known else "; none is"
        raise ValidationError(
            f"{part.place}: variable {part.name!r} is not set{there}. Give variables={{{part.name!r}: ...}} "
            f"(--set {part.name}=...), or write ${{{part.name}:otherwise}}"
        )

    @contextmanager
    def looking_up(self, key: str, place: str, where: str = "") -> Iterator[None]:
        """Look into a list or a variable, which must not lead back to itself."""
        if key in self.open:
            trip = " -> ".join([*self.open[self.open.index(key) :], key])
            raise ValidationError(f"{place}: {key} leads back to itself: {trip}{where}")
        self.open.append(key)
        yield
        self.open.pop()


def _pool(options: Sequence[tuple[Option, Body]]) -> Pool:
    bodies = tuple(body for _, body in options)
    scale = lcm(*{option.weight.denominator for option, _ in options})
    sums = tuple(accumulate(int(option.weight * scale) for option, _ in options))
    size = Size(*(max(numbers) for numbers in zip(*(body.size for body in bodies), strict=True)))
    return Pool(bodies, sums, size, sum(body.ways for body in bodies))


def _size_of(part: Part) -> Size:
    if isinstance(part, Text):
        return Size(0, len(part.text), 0)
    match part:
        case Once(_, length):
            return Size(1, length, 1)
        case Pick(pool, _, most, separator):
            steps, length, depth = pool.size
            return Size(1 + most * steps, most * (length + len(separator)), 1 + depth)
        case Body(_, size):
            return Size(1 + size.steps, size.length, 1 + size.depth)


def _ways_of(part: Part) -> int:
    match part:
        case Pick(pool, 1, 1):
            return pool.ways
        case Pick():
            return _ways_together(part)
        case Body():
            return part.ways
        case _:
            return 1


def _ways_together(pick: Pick) -> int:
    """The ways to take options together: elementary symmetric polynomials of their ways, times the orders."""
    each = {body.ways for body in pick.pool.bodies}
    if len(each) == 1:
        ways = each.pop()
        return sum(perm(len(pick.pool.bodies), count) * ways**count for count in range(pick.least, pick.most + 1))
    together = [1] + [0] * pick.most
    for body in pick.pool.bodies:
        for count in range(pick.most, 0, -1):
            together[count] += together[count - 1] * body.ways
    return sum(factorial(count) * together[count] for count in range(pick.least, pick.most + 1))


def _check(size: Size, where: str) -> None:
    if size.steps > MOST_STEPS:
        raise ValidationError(
            f"{where}: a text of it could be put together of {size.steps} choices; {MOST_STEPS} are the most"
        )
    if size.length > LONGEST_TEXT:
        raise ValidationError(f"{where}: a text of it could have {size.length} characters; {LONGEST_TEXT} are the most")
    if size.depth > DEEPEST:
        raise ValidationError(f"{where}: more than {DEEPEST} choices, lists and variables inside of each other")
