"""One change of a policy as a user writes it: ``drg.rates -3%``, ``drg.outliers.low = 0.4``.

A path is one of ``drg policies show``, as ``--set`` takes it. ``=`` puts a number, a name or a
table file in its place; a sign before the number changes what is there, exactly, rounded once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from drg.errors import DrgError

__all__ = ["POLICY", "SCHEME", "Change", "How", "WhatIfError", "read_change"]

How = Literal["set", "add", "times", "percent"]

#: The paths that name the grouping scheme, and another policy altogether.
SCHEME, POLICY = "scheme", "policy"
_SIGNS = {"+": "+", "-": "-", "\u2212": "-", "\u2013": "-", "×": "×", "*": "×", "x": "×", "X": "×"}
_RELATIVE = re.compile(
    r"(?P<path>\S+)\s+(?P<sign>[+\-\u2212\u2013×*xX])\s*(?P<number>\S+?)\s*(?P<part>[%\uff05]?)"
)
_NUMBER = re.compile(r"\d+(\.\d+)?")


class WhatIfError(DrgError, ValueError):
    """A reform cannot be made of a policy, or two runs cannot be compared."""

    exit_code = 2


@dataclass(frozen=True)
class Change:
    """A change of one number, of all numbers below a path, or of a whole table.

    Attributes
    ----------
    path : str
        Such as ``"drg.rates.310"``; ``"scheme"``: the grouping scheme.
    how : {"set", "add", "times", "percent"}
        ``add`` in the number's own unit (yuan for amounts), ``percent`` of what is there.
    value : str
        As written; a decimal with its sign where it is not ``set``.
    """

    path: str
    how: How
    value: str

    @property
    def number(self) -> Fraction:
        """The decimal of a relative change, exact."""
        return Fraction(Decimal(self.value))

    def __str__(self) -> str:
        sign = self.value if self.value[:1] in "+-" else f"+{self.value}"
        shown = {
            "set": f"= {self.value}",
            "add": sign,
            "times": f"×{self.value}",
            "percent": f"{sign}%",
        }
        return f"{self.path} {shown[self.how]}"


def read_change(text: str) -> Change:
    """A change from its text.

    Parameters
    ----------
    text : str
        ``path = value``, ``path -3%``, ``path ×0.97`` (also ``*``, ``x``), ``path +500``.

    Raises
    ------
    WhatIfError
        G420: none of these.

    Examples
    --------
    >>> read_change("drg.rates -3%")
    Change(path='drg.rates', how='percent', value='-3')
    >>> str(read_change("drg.outliers.low=0.4"))
    'drg.outliers.low = 0.4'
    """
    path, equals, value = (part.strip() for part in text.partition("="))
    if equals:
        if not path or not value or any(map(str.isspace, path)):
            raise WhatIfError("G420", text=text)
        return Change(path, "set", value)
    found = _RELATIVE.fullmatch(text.strip())
    if found is None or not _NUMBER.fullmatch(found["number"]):
        raise WhatIfError("G420", text=text)
    sign, number, part = _SIGNS[found["sign"]], found["number"], found["part"]
    if sign == "×":
        if part:
            raise WhatIfError("G420", text=text)
        return Change(found["path"], "times", number)
    signed = f"-{number}" if sign == "-" else number
    return Change(found["path"], "percent" if part else "add", signed)
