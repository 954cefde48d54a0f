"""Bar charts as inline SVG: no script, no font and no file from elsewhere.

Every bar carries its figure as text, so that nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from drg.claims.form import text_width

__all__ = ["Bar", "bars"]

_ROW, _GAP = 20, 5
_INK, _GAIN, _LOSS = "#1c2733", "#2f6f9f", "#b5473c"
#: Width of a letter, half that of a Chinese character.
_LETTER = 6.6


class Bar(NamedTuple):
    """One bar: its label, its size, and the figure as it is shown."""

    label: str
    value: int
    shown: str


def bars(
    title: str,
    rows: Sequence[Bar],
    *,
    width: int = 640,
    bound: int | None = None,
    room: int | None = None,
) -> str:
    """Horizontal bars from a common zero line; negative ones to the left of it.

    Parameters
    ----------
    title : str
        What readers of the screen hear.
    rows : sequence of Bar
    width : int, optional
        Of the drawing; letters are 12 high.
    bound : int, optional
        A value that a dashed line marks, such as what a plan allows.
    room : int, optional
        Of the labels; a third of the drawing or so when omitted.

    Returns
    -------
    str
        An ``<svg>`` element; ``""`` without rows.
    """
    if not rows:
        return ""
    height = len(rows) * (_ROW + _GAP) + _GAP
    label = 60 + width // 5 if room is None else room
    value = 60 + width // 10
    length = width - label - value
    values = [0, bound or 0, *(row.value for row in rows)]
    low, high = min(values), max(values)
    whole = (high - low) or 1
    # Integers of any size divide exactly; a tenth of a unit is finer than any screen.
    zero = label + _tenths(-low * length, whole)
    parts = [
        f'<svg viewBox="0 0 {width} {height}" font-size="12" fill="{_INK}" role="img" '
        f'aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title>",
    ]
    for number, row in enumerate(rows):
        top = _GAP + number * (_ROW + _GAP)
        size = _tenths(abs(row.value) * length, whole)
        left = zero - size if row.value < 0 else zero
        middle = top + _ROW - 6
        colour = _LOSS if row.value < 0 else _GAIN
        name = escape(_short(row.label, int((label - 8) / _LETTER)))
        parts += [
            f'<text x="{label - 8}" y="{middle}" text-anchor="end">{name}</text>',
            f'<rect fill="{colour}" x="{left:.1f}" y="{top}" width="{size:.1f}" height="{_ROW}"/>',
            f'<text x="{width}" y="{middle}" text-anchor="end">{escape(row.shown)}</text>',
        ]
    parts.append(f'<line stroke="{_INK}" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>')
    if bound is not None:
        x = label + _tenths((bound - low) * length, whole)
        parts.append(
            f'<line stroke="{_INK}" stroke-dasharray="5 3" x1="{x:.1f}" x2="{x:.1f}" y1="0" '
            f'y2="{height}"/>'
        )
    return "".join([*parts, "</svg>"])


def _short(label: str, letters: int) -> str:
    """A label cut to its room; the table beside the chart has it whole."""
    if text_width(label) <= letters:
        return label
    while text_width(label) >= letters:
        label = label[:-1]
    return f"{label}…"


def _tenths(top: int, bottom: int) -> float:
    return (10 * top // bottom) / 10
