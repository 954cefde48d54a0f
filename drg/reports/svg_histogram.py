"""Counts by interval as inline SVG: upright bars that touch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from drg.reports.svg_axes import (
    COLOURS,
    FAINT,
    GRID,
    INK,
    Axis,
    Span,
    label,
    line,
    opening,
    ticks,
    width_of,
)
from drg.reports.svg_points import Bound

__all__ = ["Bin", "histogram"]

_FOOT, _TOP = 42, 26


class Bin(NamedTuple):
    """Values from ``low`` on (included) up to ``high`` (excluded; None: no end), how many cases."""

    low: int
    high: int | None
    cases: int


def histogram(
    title: str,
    bins: Sequence[Bin],
    across: Axis,
    up: Axis,
    *,
    bounds: Sequence[Bound] = (),
    told: str = "",
    width: int = 640,
    height: int = 260,
) -> str:
    """Bars as wide as each other, in the order of the bins.

    Parameters
    ----------
    title : str
    bins : sequence of Bin
        In order, each beginning where the one before ends.
    across, up : Axis
    bounds : sequence of Bound, optional
        Marked where they are an edge of a bin.
    told : str, optional
        The chart in words.
    width, height : int, optional

    Returns
    -------
    str
        An ``<svg>`` element; ``""`` without a count.
    """
    if not any(one.cases for one in bins):
        return ""
    marks = ticks(0, max(one.cases for one in bins), most=5)
    left = int(max(width_of(up.shown(value)) for value in marks)) + 12
    span = Span(0, marks[-1], height - _FOOT, _TOP)
    step = (width - left - 24) / len(bins)
    edges = [one.low for one in bins] + [bins[-1].high]
    parts = [opening(title, told, width, height), label(0, 12, up.title, "start", FAINT)]
    for value in marks:
        y = span.at(value)
        parts.append(line(left, y, width - 24, y, INK if value == 0 else GRID))
        parts.append(label(left - 6, y + 4, up.shown(value), "end", FAINT))
    for number, one in enumerate(bins):
        y = span.at(one.cases)
        parts.append(
            f'<rect x="{left + step * number + 0.5:.1f}" y="{y:.1f}" width="{step - 1:.1f}" '
            f'height="{height - _FOOT - y:.1f}" fill="{COLOURS[0]}">'
            f"<title>{escape(_interval(one, across))} {escape(up.shown(one.cases))}</title></rect>"
        )
    every = max(1, int(max(width_of(across.shown(e)) for e in edges if e is not None) / step) + 1)
    last = len(bins) - 1
    for number, edge in enumerate(edges):
        opened = bins[-1].high is None and number == last
        if edge is None or (not opened and (number % every or last - number < every / 2)):
            continue
        x = left + step * (number + opened / 2)
        shown = f"{across.shown(edge)}+" if opened else across.shown(edge)
        parts.append(label(x, height - _FOOT + 16, shown, "middle", FAINT))
    parts.append(label((left + width) / 2, height - 6, across.title, "middle", FAINT))
    for bound in bounds:
        if bound.value in edges:
            x = left + step * edges.index(bound.value)
            parts.append(line(x, _TOP - 6, x, height - _FOOT, COLOURS[1], "5 3"))
            parts.append(label(x + 4, _TOP - 8, bound.name))
    return "".join([*parts, "</svg>"])


def _interval(one: Bin, axis: Axis) -> str:
    end = "…" if one.high is None else axis.shown(one.high)
    return f"{axis.shown(one.low)}-{end}"
