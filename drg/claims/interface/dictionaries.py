"""Code sets of the settlement list and of front sheets, and translations between them.

``tables/interface/dictionaries.csv`` holds the codes with their meaning and
``translations.csv`` what a code is elsewhere: in another code set, or in a canonical column.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from drg.claims.frame import BLANKS
from drg.claims.interface.tables import interface_folder, read_table
from drg.errors import TableError

__all__ = ["Entry", "dictionaries", "meaning", "translate", "translation"]

_ENTRIES = ("dictionary", "code", "title_zh", "title_en", "source", "status")
_TRANSLATIONS = ("dictionary", "code", "to", "value", "direction", "source", "status")
#: ``to``: only from the code to the value, because several codes have the same value.
_DIRECTIONS = ("both", "to")


class Entry(NamedTuple):
    """One code of a dictionary.

    Attributes
    ----------
    code, title_zh, title_en : str
    source : str
        Id of a document in ``tables/sources.toml``.
    status : str
        How the entry is known: official, transcribed, derived, recalled.
    """

    code: str
    title_zh: str
    title_en: str
    source: str
    status: str


def dictionaries() -> Mapping[str, Mapping[str, Entry]]:
    """Every dictionary by its name, its entries by code, in the order of the table.

    Raises
    ------
    TableError
        The table is broken.
    """
    return _dictionaries(interface_folder())


@cache
def _dictionaries(folder: Path) -> Mapping[str, Mapping[str, Entry]]:
    found: dict[str, dict[str, Entry]] = {}
    for row in read_table(folder / "dictionaries.csv", _ENTRIES, ("dictionary", "code")):
        entry = Entry(*(row[name] for name in Entry._fields))
        found.setdefault(row["dictionary"], {})[entry.code] = entry
    return found


def translation(dictionary: str, to: str) -> Mapping[str, str]:
    """Codes of a dictionary and what they are in another dictionary or a canonical column.

    Parameters
    ----------
    dictionary, to : str
        Names; either may be the side that the table lists first.

    Raises
    ------
    KeyError
        Nothing translates between the two.
    TableError
        The table is broken.
    """
    return _translations(interface_folder())[dictionary, to]


def translate(dictionary: str, code: str, *, to: str) -> str | None:
    """What a code is in another dictionary or a canonical column.

    Parameters
    ----------
    dictionary : str
        Where the code belongs: a name in ``dictionaries()`` or a canonical column.
    code : str
        Blanks around it and ``.0`` after it do not matter, nor a zero before it (``01`` is ``1``).
    to : str
        The other side.

    Returns
    -------
    str or None
        None: the code has no counterpart there. Nothing is guessed.

    Raises
    ------
    KeyError
        Nothing translates between the two.

    Examples
    --------
    >>> translate("gend", "1", to="sex"), translate("sex", "F", to="gend")
    ('M', '2')
    >>> translate("front_pay", "1", to="insurance"), translate("insurance", "310", to="front_pay")
    ('310', '1')
    """
    codes = translation(dictionary, to)
    return next((codes[text] for text in spellings(code) if text in codes), None)


def spellings(code: str) -> tuple[str, ...]:
    """A code as written and without what may differ harmlessly, the first first."""
    text = code.strip(BLANKS).removesuffix(".0")
    short = text.lstrip("0") or text[-1:]
    return tuple(dict.fromkeys((text, short, f"0{short}")))


@cache
def _translations(folder: Path) -> Mapping[tuple[str, str], Mapping[str, str]]:
    path = folder / "translations.csv"
    known = _dictionaries(folder)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for number, row in enumerate(
        read_table(path, _TRANSLATIONS, ("dictionary", "code", "to")), start=2
    ):
        name, code, to, value = (row[key] for key in ("dictionary", "code", "to", "value"))
        if row["direction"] not in _DIRECTIONS:
            raise TableError("T109", where=str(path), row=number, column="direction",
                             cell=row["direction"], choices=", ".join(_DIRECTIONS))  # fmt: skip
        for side, text in ((name, code), (to, value)):
            if text not in known.get(side, {text: None}):
                choices = ", ".join(known[side])
                raise TableError("T109", where=str(path), row=number, column=side,
                                 cell=text, choices=choices)  # fmt: skip
        found.setdefault((name, to), {})[code] = value
        back = found.setdefault((to, name), {})
        if row["direction"] == "both" and back.setdefault(value, code) != code:
            raise TableError("T107", where=str(path), row=number, column=f"{to}, {name}",
                             cell=value)  # fmt: skip
    return {pair: codes for pair, codes in found.items() if codes}


def meaning(dictionary: str, code: str, lang: str) -> str | None:
    """What a code says, in Chinese (``zh``) or English; None when it is in no such dictionary."""
    entries = dictionaries().get(dictionary, {})
    entry = next((entries[text] for text in spellings(code) if text in entries), None)
    return None if entry is None else entry.title_zh if lang == "zh" else entry.title_en
