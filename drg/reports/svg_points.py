"""Points in a plane with quadrants, and points along one axis, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drg.reports.svg_axes import (
    COLOURS,
    FAINT,
    INK,
    Axis,
    Mark,
    Span,
    cut,
    label,
    line,
    mark,
    opening,
    rotated,
    ticks,
    width_of,
)

__all__ = ["Bound", "Dot", "scatter", "strip"]

_TALL, _FOOT, _TOP = 14, 42, 12
_QUADRANT_MARKS: tuple[Mark, ...] = ("diamond", "circle", "triangle", "square")
_QUADRANT_COLOURS = (COLOURS[1], COLOURS[0], COLOURS[4], COLOURS[2])
#: A strip's dots: across, and the least step up where many share a place.
_DOT, _PILE = 7, 126


class Dot(NamedTuple):
    """A point, and what is told of it."""

    name: str
    x: int
    y: int
    told: str = ""


class Bound(NamedTuple):
    """A value that a line marks, and its name."""

    value: int
    name: str


def scatter(
    title: str,
    dots: Sequence[Dot],
    across: Axis,
    up: Axis,
    *,
    cross: tuple[int, int],
    corners: tuple[str, str, str, str],
    told: str = "",
    width: int = 640,
    height: int = 400,
) -> str:
    """Points, and the four quadrants that a cross makes; each has its own colour and mark.

    Parameters
    ----------
    title : str
    dots : sequence of Dot
        The first ones get their names first where there is no room for all.
    across, up : Axis
    cross : (int, int)
        Where the quadrants meet.
    corners : four str
        Names of the quadrants: bottom right, top right, bottom left, top left.
    told : str, optional
        The chart in words.
    width, height : int, optional

    Returns
    -------
    str
        An ``<svg>`` element; ``""`` without points.
    """
    if not dots:
        return ""
    xs = ticks(*_padded([dot.x for dot in dots], cross[0]))
    ys = ticks(*_padded([dot.y for dot in dots], cross[1]))
    names = [up.shown(value) for value in ys]
    left = int(max(map(width_of, names))) + 30
    plane_x = Span(xs[0], xs[-1], left, width - 16)
    plane_y = Span(ys[0], ys[-1], height - _FOOT, _TOP)
    parts = [opening(title, told, width, height)]
    for value in xs:
        x = plane_x.at(value)
        parts.append(line(x, _TOP, x, height - _FOOT))
        parts.append(label(x, height - _FOOT + 16, across.shown(value), "middle", FAINT))
    for value, name in zip(ys, names, strict=True):
        y = plane_y.at(value)
        parts.append(line(left, y, width - 16, y))
        parts.append(label(left - 6, y + 4, name, "end", FAINT))
    middle = plane_x.at(cross[0]), plane_y.at(cross[1])
    parts.append(line(middle[0], _TOP, middle[0], height - _FOOT, INK))
    parts.append(line(left, middle[1], width - 16, middle[1], INK))
    parts.append(label((left + width) / 2, height - 6, across.title, "middle", FAINT))
    parts.append(rotated(12, (height - _FOOT) / 2, up.title))
    taken: list[_Box] = []
    for number, corner in enumerate(corners):
        right, above = number in (0, 1), number in (1, 3)
        x = width - 22 if right else left + 6
        y = _TOP + 14 if above else height - _FOOT - 8
        start = x - width_of(corner) if right else x
        taken.append((start, y - 12, start + width_of(corner), y + 3))
        colour = _QUADRANT_COLOURS[number]
        parts.append(label(x, y, corner, "end" if right else "start", colour, halo=True))
    placed = [(dot, plane_x.at(dot.x), plane_y.at(dot.y)) for dot in dots]
    taken += [(x - 5, y - 5, x + 5, y + 5) for _, x, y in placed]
    for dot, x, y in placed:
        number = _quadrant(dot, cross)
        words = dot.told or dot.name
        parts.append(mark(x, y, _QUADRANT_MARKS[number], _QUADRANT_COLOURS[number], words, 5))
    for dot, x, y in placed:
        parts.append(_named(dot.name, x, y, taken, (left, width - 16)))
    return "".join([*parts, "</svg>"])


#: Left, top, right, bottom.
_Box = tuple[float, float, float, float]


def _quadrant(dot: Dot, cross: tuple[int, int]) -> int:
    """Place among ``corners``; a point on the cross belongs to the right and the top."""
    right, above = dot.x >= cross[0], dot.y >= cross[1]
    return (1 if above else 0) if right else (3 if above else 2)


def _padded(values: Sequence[int], cross: int) -> tuple[int, int]:
    low, high = min(*values, cross), max(*values, cross)
    room = max((high - low) // 12, 1)
    return low - room, high + room


def _named(name: str, x: float, y: float, taken: list[_Box], room: tuple[int, int]) -> str:
    """The name beside its point where there is room for it; else nothing."""
    shown = cut(name, 150)
    wide = width_of(shown)
    for start, base in ((x + 8, y + 4), (x - 8 - wide, y + 4), (x - wide / 2, y - 9),
                        (x - wide / 2, y + 18)):  # fmt: skip
        box = start, base - 11, start + wide, base + 2
        inside = start >= room[0] and start + wide <= room[1] and box[1] >= 0
        if inside and not any(_meet(box, other) for other in taken):
            taken.append(box)
            return label(start, base, shown, halo=True)
    return ""


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def strip(
    title: str,
    dots: Sequence[tuple[str, int]],
    axis: Axis,
    *,
    bounds: Sequence[Bound] = (),
    limit: int | None = None,
    told: str = "",
    width: int = 640,
) -> str:
    """Points along one axis, piled up where they share a place.

    Parameters
    ----------
    title : str
    dots : sequence of (name, value)
    axis : Axis
    bounds : sequence of Bound, optional
        Values that a line marks.
    limit : int, optional
        Points above it have another colour and mark.
    told : str, optional
    width : int, optional

    Returns
    -------
    str
        An ``<svg>`` element; ``""`` without points.
    """
    if not dots:
        return ""
    values = [value for _, value in dots] + [bound.value for bound in bounds]
    marks = ticks(min(0, *values), max(values), most=10)
    span = Span(marks[0], marks[-1], 12, width - 12)
    columns: dict[int, list[tuple[str, int]]] = {}
    for name, value in sorted(dots, key=lambda dot: (dot[1], dot[0])):
        columns.setdefault(int(span.at(value)) // _DOT, []).append((name, value))
    highest = max(map(len, columns.values()))
    step = min(_DOT, _PILE / highest)
    head = _TALL * len(bounds) + 8
    floor = head + int(step * highest) + 10
    height = floor + 40
    parts = [opening(title, told, width, height), line(12, floor, width - 12, floor, INK)]
    for value in marks:
        x = span.at(value)
        parts.append(line(x, floor, x, floor + 4, INK))
        parts.append(label(x, floor + 17, axis.shown(value), "middle", FAINT))
    parts.append(label(width / 2, height - 6, axis.title, "middle", FAINT))
    for number, bound in enumerate(bounds):
        x, base = span.at(bound.value), _TALL * (number + 1)
        parts.append(line(x, base + 2, x, floor, FAINT, "5 3"))
        left = x + width_of(bound.name) > width
        parts.append(label(x - 4 if left else x + 4, base, bound.name, "end" if left else "start"))
    for column, own in columns.items():
        for place, (name, value) in enumerate(own):
            over = limit is not None and value > limit
            kind: Mark = "triangle" if over else "circle"
            parts.append(
                mark(
                    column * _DOT + _DOT / 2, floor - 5 - step * place, kind,
                    COLOURS[1] if over else COLOURS[0], f"{name} {axis.shown(value)}", 3,
                )
            )  # fmt: skip
    return "".join([*parts, "</svg>"])
