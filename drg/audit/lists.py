"""Lists that rules go by: codes, pairs, limits; a CSV each, registered in ``lists.toml``.

A rule's parameter names a list (``codes = "male-diagnosis"``), a dictionary of the interface
(``values = "dictionary:dscg_way"``), a CSV beside the user's own rule set (``"mine.csv"``), or
gives the codes themselves (``codes = ["V*", "W*"]``). A code that ends in ``*`` is a prefix.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from drg.audit.errors import near, refuse
from drg.audit.toml import read_toml
from drg.claims.named import Named, clean_code
from drg.errors import TableError
from drg.paths import tables_root
from drg.text import text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ListParam", "RuleList", "read_list", "registered_lists", "rule_file"]

_SUFFIX = ".csv"
_DICTIONARY = "dictionary:"
#: Column of the codes; the first of several that a list may have.
_CODE = "code"
#: Prefixes that are tried one by one; of more, those of one length are looked up together.
_FEW = 40
#: The rule file now being read: where lists named by path lie.
rule_file: ContextVar[Path | None] = ContextVar("drg_rule_file", default=None)


@dataclass(frozen=True)
class RuleList:
    """One list.

    Attributes
    ----------
    name : str
        Id, or path; ``""``: given in the rule itself.
    columns : tuple of str
    rows : tuple of tuple of str
        Cells as the file has them, none of the first column empty.
    source, status : str
        Document of ``tables/sources.toml`` and how the list is known; ``""``: the rule's own.
    digest : str
        SHA-256 of columns and rows.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str = ""
    status: str = ""
    digest: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        content = repr((self.columns, self.rows)).encode()
        object.__setattr__(self, "digest", hashlib.sha256(content).hexdigest())

    def column(self, name: str) -> tuple[str, ...]:
        """Cells of a column.

        Raises
        ------
        KeyError
            No such column.
        """
        if name not in self.columns:
            raise KeyError(name)
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def having(self, *names: str) -> RuleList:
        """The list itself, if it has these columns.

        Raises
        ------
        ValueError
            It lacks one.
        """
        for name in names:
            if name not in self.columns:
                raise ValueError(text("audit.no_column", column=name))
        return self

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """Codes and prefixes, in capitals."""
        return tuple(clean_code(cell) for cell in self.column(self.columns[0]))

    @cached_property
    def _test(self) -> Callable[[str], bool]:
        return matcher(self.codes)

    def has(self, code: str) -> bool:
        """Whether a code (in capitals, no blanks around it) is listed, whole or by a prefix."""
        return self._test(code)

    def among(self, codes: Named) -> NDArray[np.bool_]:
        """Which codes of a column are listed; each distinct one is looked up once."""
        return codes.marked(self._test)


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A test of codes against codes and prefixes ending in ``*``, all in capitals."""
    exact = frozenset(p for p in patterns if not p.endswith("*"))
    starts = tuple(p.removesuffix("*") for p in patterns if p.endswith("*"))
    if not starts:
        return exact.__contains__
    if len(starts) <= _FEW:
        return lambda code: code in exact or code.startswith(starts)
    by_length: dict[int, set[str]] = {}
    for start in starts:
        by_length.setdefault(len(start), set()).add(start)
    lengths = sorted(by_length)
    return lambda code: code in exact or any(code[:n] in by_length[n] for n in lengths)


def registered_lists() -> dict[str, dict[str, Any]]:
    """Entries of ``tables/audit/lists.toml`` by id: titles, source, status."""
    return _registered(tables_root() / "audit" / "lists.toml")


def read_list(name: str) -> RuleList:
    """A list by id, or by the path of a CSV seen from the rule file that names it.

    Raises
    ------
    TableError
        T211 no such list; T212 it cannot be read: where, and why.
    """
    if name.lower().endswith(_SUFFIX):
        beside = rule_file.get()
        path = (beside.parent / name) if beside else Path(name)
        if not path.is_file():
            raise TableError("T102", where=str(path))
        return _read(path, name, "", "supplied")
    if name.startswith(_DICTIONARY):
        return _dictionary(tables_root() / "interface" / "dictionaries.csv", name)
    register = registered_lists()
    if name not in register:
        raise refuse("T211", "", name=name, near=near(name, [*register]))
    path = tables_root() / "audit" / "lists" / f"{name}{_SUFFIX}"
    entry = register[name]
    return _shipped(path, name, entry["source"], entry["status"])


# Many rules name the same lists, and a run loads several sets: shipped ones are read once.
_registered = cache(read_toml)


@cache
def _shipped(path: Path, name: str, source: str, status: str) -> RuleList:
    return _read(path, name, source, status)


@cache
def _dictionary(path: Path, name: str) -> RuleList:
    """Codes of a dictionary of the settlement list's interface."""
    table = _shipped(path, _DICTIONARY, "", "")
    wanted = name.removeprefix(_DICTIONARY)
    keep = ("code", "title_zh", "title_en", "source", "status")
    places = [table.columns.index(column) for column in keep]
    rows = [tuple(row[p] for p in places) for row in table.rows if row[0] == wanted]
    if not rows:
        known = [f"{_DICTIONARY}{row[0]}" for row in table.rows]
        raise refuse("T211", "", name=name, near=near(name, sorted({*known})))
    return RuleList(name, keep[:3], tuple(row[:3] for row in rows), rows[0][3], rows[0][4])


def _read(path: Path, name: str, source: str, status: str) -> RuleList:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file, strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse("T212", path, row=1, why=str(error)) from error
    if not lines or not all(lines[0]) or len(set(lines[0])) != len(lines[0]):
        raise refuse("T212", path, row=1, why=text("audit.list_header"))
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(lines[0]) or not line[0]:
            raise refuse("T212", path, row=number, why=text("audit.list_row"))
    rows = tuple(map(tuple, lines[1:]))
    if not rows:
        raise refuse("T212", path, row=2, why=text("audit.list_empty"))
    if rows[0] and lines[0][0] == _CODE:
        _check_codes([row[0] for row in rows], path, 2)
        seen: dict[str, int] = {}
        for number, row in enumerate(rows, 2):
            if seen.setdefault("\0".join(row), number) != number:
                raise refuse("T212", path, row=number, why=text("audit.list_twice"))
    return RuleList(name, tuple(lines[0]), rows, source, status)


def _check_codes(codes: Iterable[str], where: object, first: int) -> None:
    for number, code in enumerate(codes, first):
        if code == "*" or ("*" in code[:-1] and not code.endswith("*")):
            raise refuse("T212", where, row=number, why=text("audit.list_code", code=code))


def _as_list(value: object) -> RuleList:
    if isinstance(value, RuleList):
        return value
    if isinstance(value, str) and value:
        return read_list(value)
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) and v for v in value):
        _check_codes(value, "", 1)
        return RuleList("", (_CODE,), tuple((v,) for v in value))
    raise ValueError(text("audit.want_list"))


#: Parameter of a kind: the name of a list, or the codes themselves.
ListParam = Annotated[RuleList, BeforeValidator(_as_list)]
