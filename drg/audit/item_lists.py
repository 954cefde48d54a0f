"""Lists about charges: entries by item code, their limits as numbers, and the charges they fit.

A code that ends in ``*`` is a prefix; what a list gives a limit to is the entry, so all codes of
a prefix count together. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any, NamedTuple

import polars as pl
from pydantic import AfterValidator

from drg.audit.kind import AuditClaims
from drg.audit.lists import ListParam, RuleList
from drg.claims.named import clean_code
from drg.money import AmountError, scaled
from drg.text import text

__all__ = ["Beside", "Entries", "Frequencies", "Gaps", "Limits", "Prices", "fitting", "numbers"]

#: What a list of limits may ask of the claim; an empty cell asks nothing.
LIMITS = ("sex", "min_years", "max_years", "max_days", "diagnoses", "insurances", "payers")
PERIODS = ("day", "stay", "stay_day")


def _with(
    needed: Sequence[str], checks: dict[str, Callable[[str], object]], some: Sequence[str] = ()
) -> Callable[[RuleList | None], RuleList | None]:
    """A validator: the list has these columns, one of ``some``, and cells that can be read."""

    def check(given: RuleList | None) -> RuleList | None:
        if given is None:
            return None
        missing = [name for name in needed if name not in given.columns]
        if missing or (some and not set(some) & set(given.columns)):
            wanted = ", ".join([*needed, *some])
            raise ValueError(text("audit_findings.want_columns", columns=wanted))
        for column, read in checks.items():
            if column not in given.columns:
                continue
            for number, cell in enumerate(given.column(column), 2):
                try:
                    read(cell)
                except ValueError:
                    raise ValueError(
                        text("audit_findings.bad_cell", row=number, column=column, cell=cell)
                    ) from None
        return given

    return check


def _number(cell: str) -> int:
    try:
        value = scaled(cell)
    except AmountError as error:
        raise ValueError(cell) from error
    if value < 0:
        raise ValueError(cell)
    return value


def _whole(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(cell)
    return int(cell)


def _optional(cell: str) -> int | None:
    return _whole(cell) if cell else None


def _one_of(*known: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if cell not in known:
            raise ValueError(cell)
        return cell

    return read


def _any_code(cell: str) -> str:
    if not clean_code(cell) or cell == "*":
        raise ValueError(cell)
    return cell


#: Pairs: ``included`` must not be charged beside ``code`` on one day.
Beside = Annotated[
    ListParam | None, AfterValidator(_with(("code", "included"), {"included": _any_code}))
]
#: How often in a day, in a stay, or per day of the stay.
Frequencies = Annotated[
    ListParam | None,
    AfterValidator(_with(("code", "most", "per"), {"most": _number, "per": _one_of(*PERIODS)})),
]
#: Not again within so many days.
Gaps = Annotated[ListParam | None, AfterValidator(_with(("code", "days"), {"days": _whole}))]
#: Highest price of one, in yuan.
Prices = Annotated[ListParam | None, AfterValidator(_with(("code", "price"), {"price": _number}))]
#: Items, whatever else the list says of them.
Entries = Annotated[ListParam | None, AfterValidator(_with(("code",), {}))]
#: For whom an item is paid.
Limits = Annotated[
    ListParam | None,
    AfterValidator(
        _with(
            ("code",),
            {
                "sex": _one_of("", "M", "F"),
                **dict.fromkeys(("min_years", "max_years", "max_days"), _optional),
            },
            LIMITS,
        )
    ),
]


class _Lookup(NamedTuple):
    exact: dict[str, list[int]]
    starts: dict[int, dict[str, list[int]]]

    def of(self, code: str) -> list[int]:
        found = [*self.exact.get(code, ())]
        for length, starts in self.starts.items():
            found += starts.get(code[:length], ())
        return found


@cache
def _lookup(patterns: tuple[str, ...]) -> _Lookup:
    lookup = _Lookup({}, {})
    for number, pattern in enumerate(patterns):
        code = clean_code(pattern)
        start = code.removesuffix("*")
        if start == code:
            lookup.exact.setdefault(code, []).append(number)
        else:
            lookup.starts.setdefault(len(start), {}).setdefault(start, []).append(number)
    return lookup


def fitting(claims: AuditClaims, listed: RuleList, column: str = "code") -> pl.DataFrame:
    """The charges of a batch that entries of a list are about.

    Parameters
    ----------
    claims : AuditClaims
        With items.
    listed : RuleList
    column : str, optional
        Column of the item codes.

    Returns
    -------
    DataFrame
        The charges with ``entry`` (Int64), the place of the entry in the list; a charge that
        fits several entries stands once for each.
    """
    assert claims.items is not None
    items = claims.items
    codes = items["item_code"].unique().drop_nulls()
    lookup = _lookup(listed.column(column))
    found = [lookup.of(code) for code in codes.cast(pl.String).to_list()]
    match = pl.DataFrame(
        {"item_code": codes, "entry": pl.Series(found, dtype=pl.List(pl.Int64))}
    ).filter(pl.col("entry").list.len() > 0)
    return items.join(
        match.explode("entry"), on="item_code", how="inner", maintain_order="left"
    ).with_columns(pl.col("row").cast(pl.Int64))


def numbers(listed: RuleList, column: str, read: Callable[[str], Any] = _number) -> pl.DataFrame:
    """A column of a list as numbers by ``entry``; decimals scaled 10⁴.

    Parameters
    ----------
    listed : RuleList
    column : str
    read : callable, optional
        Makes a number of a cell.
    """
    cells = [read(cell) for cell in listed.column(column)]
    return pl.DataFrame({"entry": range(len(cells)), column: cells})
