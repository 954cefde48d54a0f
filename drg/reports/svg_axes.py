"""What the charts share: colours and marks, ticks at round numbers, legends, axes.

Values are integers (fen, ten-thousandths) and are divided exactly; a tenth of a pixel is the finest
step. Colours differ for the colour-blind as well, and every series has a mark or dash of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Literal, NamedTuple

from drg.claims.form import text_width

__all__ = [
    "COLOURS", "FAINT", "GRID", "INK", "LETTER", "Axis", "Mark", "Span", "cut", "label", "legend",
    "line", "mark", "opening", "rotated", "ticks", "width_of",
]  # fmt: skip

INK, FAINT, GRID = "#1c2733", "#51606e", "#dde4ea"
#: Of Okabe and Ito's palette, those that also hold on white.
COLOURS = ("#0072b2", "#d55e00", "#00805d", "#a8518a", "#51606e")
#: Width of a letter of 12, half that of a Chinese character.
LETTER = 6.6
Mark = Literal["circle", "square", "triangle", "diamond", "none"]
_MOST_TICKS = 6


class Axis(NamedTuple):
    """An axis: its title, and how a value on it is written."""

    title: str
    shown: Callable[[int], str]


class Span:
    """Values from ``low`` to ``high`` over pixels from ``start`` to ``end`` (either may be less).

    Parameters
    ----------
    low, high : int
        Widened by one where they are the same.
    start, end : int
    """

    def __init__(self, low: int, high: int, start: int, end: int) -> None:
        self.low, self.high = low, high if high > low else low + 1
        self._start, self._room = start, end - start

    def at(self, value: int) -> float:
        """Pixel of a value, to a tenth."""
        return self._start + (10 * (value - self.low) * self._room // (self.high - self.low)) / 10


def ticks(low: int, high: int, most: int = _MOST_TICKS) -> list[int]:
    """Round numbers that cover ``low`` to ``high``: at most about so many, 1, 2 or 5 apart.

    Examples
    --------
    >>> ticks(0, 1234), ticks(-30, 45)
    ([0, 500, 1000, 1500], [-40, -20, 0, 20, 40, 60])
    """
    room = max(high - low, 1)
    step = 1
    while -(-room // step) >= most:
        digit = int(str(step)[0])
        step = step * 5 // 2 if digit == 2 else step * 2
    first, last = low // step, -(-high // step)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def opening(title: str, told: str, width: int, height: int) -> str:
    """The ``<svg>`` tag with what readers of the screen hear: a title, and the chart in words."""
    name = escape(title)
    words = f"<desc>{escape(told)}</desc>" if told else ""
    return (
        f'<svg viewBox="0 0 {width} {height}" font-size="12" fill="{INK}" role="img" '
        f'aria-label="{name}"><title>{name}</title>{words}'
    )


def label(
    x: float, y: float, words: str, anchor: str = "start", colour: str = "", *, halo: bool = False
) -> str:
    """A text; ``anchor`` is ``start``, ``middle`` or ``end``; a ``halo`` keeps lines off it."""
    fill = f' fill="{colour}"' if colour else ""
    rim = ' stroke="#fff" stroke-width="3" paint-order="stroke"' if halo else ""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {place}{fill}{rim}>{escape(words)}</text>"


def rotated(x: float, y: float, words: str) -> str:
    """A text that runs upwards, its middle at the point."""
    return (
        f'<text text-anchor="middle" fill="{FAINT}" '
        f'transform="translate({x:.1f} {y:.1f}) rotate(-90)">{escape(words)}</text>'
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = GRID, dash: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'
    )


def mark(x: float, y: float, kind: Mark, colour: str, told: str = "", size: float = 4) -> str:
    """A mark with its middle at the point; ``told`` is shown where a pointer rests on it."""
    inner = f"<title>{escape(told)}</title>" if told else ""
    if kind == "none":
        return ""
    if kind == "circle":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="{colour}">{inner}</circle>'
    corners: Sequence[tuple[float, float]]
    if kind == "square":
        corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        size *= 0.9
    elif kind == "triangle":
        corners = ((0, -1.2), (1.1, 0.8), (-1.1, 0.8))
    else:
        corners = ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0))
    points = " ".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}">{inner}</polygon>'


def legend(
    entries: Sequence[tuple[str, str, Mark, str]], left: int, width: int, top: int = 14
) -> tuple[str, int]:
    """Names of the series beside their marks, in as many rows as they need.

    Parameters
    ----------
    entries : sequence of (name, colour, mark, dash)
    left, width : int
        Room in pixels.
    top : int, optional
        Base line of the first row.

    Returns
    -------
    (str, int)
        The drawing, and the pixel below it.
    """
    parts, x, y = [], float(left), top
    for name, colour, kind, dash in entries:
        taken = 34 + width_of(name) + 16
        if x > left and x + taken > left + width:
            x, y = float(left), y + 18
        parts.append(line(x, y - 4, x + 26, y - 4, colour, dash))
        parts.append(mark(x + 13, y - 4, kind, colour))
        parts.append(label(x + 32, y, name))
        x += taken
    return "".join(parts), y + 8


def width_of(words: str) -> float:
    """Pixels that a text of 12 takes."""
    return text_width(words) * LETTER


def cut(words: str, room: float) -> str:
    """A text cut to its room; the table beside the chart has it whole."""
    letters = int(room / LETTER)
    if text_width(words) <= letters:
        return words
    while words and text_width(words) >= letters:
        words = words[:-1]
    return f"{words}…"
