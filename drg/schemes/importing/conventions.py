"""What published schemes take for granted: MDC letters and names, kinds, input checks.

Numbers and names stand in tables/layouts/conventions.toml.
"""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

from drg.errors import TableError
from drg.paths import tables_root

AMBIGUOUS = "ambiguous"
#: Input checks of the layout's 1.x schemes: (check, level, rule), in order.
CHECKS_1 = (
    ("E101", "stop", "sex is missing"),
    ("E102", "stop", "sex is invalid"),
    ("E110", "stop", "age is missing"),
    ("E111", "stop", "age is invalid"),
    ("E112", "stop", "age = 0 and age_days is missing"),
    ("E113", "stop", "age = 0 and age_days is invalid"),
    ("E114", "stop", "age = 0 and age_days <= 28 and weight is missing"),
    ("E115", "stop", "age = 0 and age_days <= 28 and weight is invalid"),
)
#: Those of its 2.0 schemes: blank ages and weights pass, a claim without a diagnosis does not.
CHECKS_2 = (
    ("E101", "stop", "sex is missing"),
    ("E102", "stop", "sex is invalid"),
    ("E111", "stop", "age is invalid"),
    ("E113", "stop", "age = 0 and age_days is invalid"),
    ("E115", "stop", "age = 0 and age_days <= 28 and weight is invalid"),
    ("E120", "stop", "principal_dx is missing"),
)
#: Where grey codes are known, a grey principal diagnosis is remarked on.
GREY_CHECK = ("N404", "note", "principal_dx in GREY.dx")


@cache
def layout(name: str) -> dict[str, Any]:
    """A file of tables/layouts.

    Raises
    ------
    TableError
        T120: it is missing or broken.
    """
    path = tables_root() / "layouts" / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TableError("T120", where=str(path), detail=str(error)) from error


def mdc_name(mdc: str) -> str:
    """The published name of an MDC; its code when it has none."""
    return str(layout("conventions")["mdc_names"].get(mdc, mdc))


def is_ambiguous(code: str) -> bool:
    """Whether a group code is one of an ambiguous group: a letter and ``QY``."""
    return len(code) == 3 and code.endswith("QY")


def kind_of(adrg: str) -> str:
    """Kind of an ADRG by its second letter: A-J surgical, K-Q non_or_procedure, R-Z medical."""
    if is_ambiguous(adrg):
        return AMBIGUOUS
    letter = adrg[1:2].upper()
    if "A" <= letter <= "J":
        return "surgical"
    return "non_or_procedure" if "K" <= letter <= "Q" else "medical"


def ambiguous_reason(adrg: str, rule: str) -> str:
    """Reason code of an ambiguous row: sex, a newborn's age or diagnosis, else the procedure."""
    if "sex =" in rule:
        return "Q302"
    if adrg.startswith("P") and "_px in" not in rule:
        return "Q303"
    return "Q301"
