"""Lines over months or other steps, as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from drg.reports.svg_axes import (
    COLOURS,
    FAINT,
    GRID,
    INK,
    Axis,
    Mark,
    Span,
    label,
    legend,
    line,
    mark,
    opening,
    ticks,
    width_of,
)

__all__ = ["Line", "lines"]

_MARKS: tuple[Mark, ...] = ("circle", "square", "triangle", "diamond", "none")
_FOOT, _TOP = 24, 10


class Line(NamedTuple):
    """One series.

    Attributes
    ----------
    name : str
    values : sequence of int or None
        One a step; None: not known, the line has a gap there.
    dash : str
        ``""`` a full line, else dashes such as ``"6 4"``.
    mark : str
        ``""``: one by the place of the series.
    """

    name: str
    values: Sequence[int | None]
    dash: str = ""
    mark: Mark | None = None


def lines(
    title: str,
    steps: Sequence[str],
    series: Sequence[Line],
    axis: Axis,
    *,
    told: str = "",
    zero: bool = True,
    width: int = 640,
    height: int = 300,
) -> str:
    """Series over the same steps.

    Parameters
    ----------
    title : str
    steps : sequence of str
        Names under the horizontal axis.
    series : sequence of Line
        At most five; each has its own colour, mark and dash.
    axis : Axis
        The vertical one.
    told : str, optional
        The chart in words.
    zero : bool, optional
        The vertical axis begins at 0 (or below, where a value does).
    width, height : int, optional
        Of the drawing.

    Returns
    -------
    str
        An ``<svg>`` element; ``""`` where no value is known.
    """
    known = [value for one in series for value in one.values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    marks = ticks(min(low, 0) if zero else low, high)
    names = [axis.shown(value) for value in marks]
    left = int(max(map(width_of, names))) + 12
    chosen = [(one, COLOURS[n % len(COLOURS)], _mark(one, n)) for n, one in enumerate(series)]
    entries = [(one.name, colour, kind, one.dash) for one, colour, kind in chosen]
    # One series is named by the title.
    drawn, top = legend(entries, left, width - left) if len(entries) > 1 else ("", 0)
    top += _TOP + 18
    bottom = height - _FOOT
    up = Span(marks[0], marks[-1], bottom, top)
    step = (width - left - 20) / max(len(steps), 1)

    def across(number: int) -> float:
        return left + 10 + step * (number + 0.5)

    parts = [
        opening(title, told, width, height),
        drawn,
        label(0, top - 14, axis.title, "start", FAINT),
    ]
    for value, name in zip(marks, names, strict=True):
        y = up.at(value)
        parts.append(line(left, y, width, y, INK if value == 0 else GRID))
        parts.append(label(left - 6, y + 4, name, "end", FAINT))
    every = max(1, int(max(map(width_of, steps)) / step) + 1)
    for number, name in enumerate(steps):
        if number % every == 0:
            parts.append(label(across(number), bottom + 16, name, "middle", FAINT))
    for one, colour, kind in chosen:
        points = [
            (across(n), up.at(value), value) if value is not None else None
            for n, value in enumerate(one.values)
        ]
        parts.append(_path(points, colour, one.dash))
        parts += [
            mark(x, y, kind, colour, f"{one.name} {steps[n]} {axis.shown(value)}")
            for n, point in enumerate(points)
            if point is not None
            for x, y, value in (point,)
        ]
    return "".join([*parts, "</svg>"])


def _mark(one: Line, place: int) -> Mark:
    return one.mark or _MARKS[place % len(_MARKS)]


def _path(points: Sequence[tuple[float, float, int] | None], colour: str, dash: str) -> str:
    """A path that lifts the pen over gaps."""
    moves, down = [], False
    for point in points:
        if point is not None:
            moves.append(f"{'L' if down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        down = point is not None
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path d="{"".join(moves)}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
