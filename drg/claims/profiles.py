"""Header profiles: which column of a file feeds which field of the canonical claim.

Profiles are data, ``tables/headers/*.toml``; docs/claims.md tells how to add one.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from drg.claims.derived import Derived, read_derived
from drg.claims.frame import PRICING_NAMES, SCALARS, SEPARATOR
from drg.claims.interface.tables import interface_folder
from drg.claims.list_columns import LIST_NAMES
from drg.errors import InputError, TableError
from drg.forked import refuse_after_fork
from drg.paths import tables_root

__all__ = [
    "ClaimColumns", "CodeHeaders", "Header", "HeaderProfile", "load_profiles",
    "match_columns",
]  # fmt: skip

_IGNORED = re.compile(r"[\s_\-]+")
_NUMBER = "{n}"
_CODE_KEYS = ("joined", "wide", "principal", "others_joined", "others_wide", "others_listed")
_SHOWN = 12


@dataclass(frozen=True)
class ClaimColumns:
    """Which columns of a file feed the canonical fields.

    Attributes
    ----------
    scalars : mapping of str to str
        Canonical name to source column.
    diagnoses, procedures : tuple of str
        Source columns in order; the codes of a claim are those of the columns, one after the
        other. The first diagnosis is the principal one: an empty first entry or first cell
        is a missing principal diagnosis, other empty ones count for nothing. ``procedures``
        may be empty.
    diagnoses_joined, procedures_joined : bool
        True: every listed column may hold several codes, as text joined by ``separator`` or as
        a list column. False: one code in each cell.
    separator : str
        One character, possibly not ASCII (``；``). Never ``+`` or ``*``.
    profile : str
        Id of the header profile; ``""``: of cases that come from no file.
    """

    scalars: Mapping[str, str]
    diagnoses: tuple[str, ...]
    diagnoses_joined: bool
    procedures: tuple[str, ...] = ()
    procedures_joined: bool = False
    separator: str = SEPARATOR
    profile: str = "canonical"

    def sources(self) -> tuple[str, ...]:
        """Every source column in use, without repetition."""
        return tuple(dict.fromkeys((*self.scalars.values(), *self.diagnoses, *self.procedures)))


@dataclass(frozen=True)
class CodeHeaders:
    """Accepted headers of diagnoses or procedures, each list in order of preference."""

    joined: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    principal: tuple[str, ...] = ()
    others_joined: tuple[str, ...] = ()
    others_wide: tuple[str, ...] = ()
    others_listed: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeaderProfile:
    """One file of ``tables/headers``; ``derived`` None: its cells are canonical as they are."""

    id: str
    order: int
    title_zh: str
    title_en: str
    separators: tuple[str, ...]
    lends: bool
    unless: tuple[str, ...]
    scalars: Mapping[str, tuple[str, ...]]
    diagnoses: CodeHeaders
    procedures: CodeHeaders = field(default_factory=CodeHeaders)
    derived: Derived | None = None


@dataclass(frozen=True)
class _Codes:
    columns: tuple[str, ...] = ()
    joined: bool = False


def load_profiles(folder: Path | None = None) -> tuple[HeaderProfile, ...]:
    """All header profiles of a folder (``tables/headers`` when omitted), in their order.

    Tables in use without those of the interface do without profiles that translate by them.

    Raises
    ------
    TableError
        A profile cannot be read or names an unknown field.
    """
    return _load(folder or tables_root() / "headers")


@cache
def _load(folder: Path) -> tuple[HeaderProfile, ...]:
    read = (_read_profile(path) for path in sorted(folder.glob("*.toml")))
    profiles = [profile for profile in read if profile is not None]
    if not profiles:
        raise TableError("T120", where=str(folder), detail="*.toml")
    return tuple(sorted(profiles, key=lambda profile: (profile.order, profile.id)))


def _read_profile(path: Path) -> HeaderProfile | None:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
        scalars = {name: _texts(names) for name, names in data["scalars"].items()}
        derived = None
        if "derived" in data:
            if not interface_folder().is_dir():
                return None
            derived = read_derived(data["derived"], tuple(scalars))
            # What an earlier run worked out stands under the canonical name and goes first.
            scalars = {name: (name, *scalars.get(name, ())) for name in (*scalars, *derived.fields)}
        unknown = set(scalars) - {*SCALARS, *PRICING_NAMES, *LIST_NAMES}
        if unknown:
            raise ValueError(f"[scalars] {', '.join(sorted(unknown))}")
        separators = _texts(data["separators"])
        if not separators or any(len(s) != 1 or s in "+*" for s in separators):
            raise ValueError("separators")
        return HeaderProfile(
            id=str(data["id"]),
            order=int(data["order"]),
            title_zh=str(data["title_zh"]),
            title_en=str(data["title_en"]),
            separators=separators,
            lends=bool(data["lends"]),
            unless=_texts(data["unless"]),
            scalars=scalars,
            diagnoses=_code_headers(data["diagnoses"]),
            procedures=_code_headers(data.get("procedures", {})),
            derived=derived,
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise TableError("T120", where=str(path), detail=str(error)) from error


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"a list of strings is needed, not {value!r}")
    return tuple(value)


def _code_headers(data: Mapping[str, Any]) -> CodeHeaders:
    unknown = set(data) - set(_CODE_KEYS)
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    headers = CodeHeaders(**{key: _texts(data.get(key, [])) for key in _CODE_KEYS})
    if any(_NUMBER not in name for name in (*headers.wide, *headers.others_wide)):
        raise ValueError(f"numbered columns need {_NUMBER}")
    return headers


def _key(name: str) -> str:
    """Header without what may differ harmlessly: width, case, blanks, ``_`` and ``-``."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()


class Header:
    """The columns of one file, looked up by their harmless spelling."""

    def __init__(self, columns: Sequence[str], where: str) -> None:
        self.where = where
        self.names = frozenset(columns)
        self.by_key: dict[str, list[str]] = {}
        for name in columns:
            self.by_key.setdefault(_key(name), []).append(name)

    def one(self, names: Sequence[str]) -> str | None:
        """The file's column for the first of these names that it has."""
        for name in names:
            found = self.by_key.get(_key(name), [])
            if name in found:
                return name
            if found:
                return self._single(found)
        return None

    def numbered(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Columns of the first numbered family that the file has, by number."""
        for pattern in patterns:
            before, _, after = pattern.partition(_NUMBER)
            wanted = re.compile(re.escape(_key(before)) + r"0*(\d+)" + re.escape(_key(after)))
            numbers: dict[int, list[str]] = {}
            for key, found in self.by_key.items():
                if match := wanted.fullmatch(key):
                    numbers.setdefault(int(match[1]), []).extend(found)
            if numbers:
                return tuple(self._single(numbers[number]) for number in sorted(numbers))
        return ()

    def listed(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of these columns that the file has, in this order."""
        found = (self.one([name]) for name in names)
        return tuple(name for name in found if name is not None)

    def _single(self, found: list[str]) -> str:
        if len(found) > 1:
            raise InputError("F112", where=self.where, first=found[0], second=found[1])
        return found[0]


def match_columns(
    columns: Sequence[str],
    dtypes: Mapping[str, Any] | None = None,
    *,
    where: str = "",
    profile: str | None = None,
) -> ClaimColumns:
    """Find the canonical fields among the columns of a file.

    Every profile is tried; the one that recognises most fields wins, the lower ``order`` on a
    tie. Scalar fields still missing are then taken from the profiles that lend their names.

    Parameters
    ----------
    columns : sequence of str
        Column names of the file.
    dtypes : mapping of str to polars dtype, optional
        When given, code columns must be text (String, Categorical, Enum) or lists of text.
    where : str, optional
        File named in errors.
    profile : str, optional
        Use this header profile only.

    Returns
    -------
    ClaimColumns
        ``separator`` is the profile's first; ``open_claims`` looks at the data and may choose
        another of the profile's separators.

    Raises
    ------
    InputError
        F110 no diagnosis column, F112 two columns spell the same name, F119 a code column
        holds neither text nor lists, F121 no such profile.
    """
    refuse_after_fork()
    header = Header(columns, where)
    profiles = load_profiles()
    if profile is not None and profile not in {p.id for p in profiles}:
        known = ", ".join(p.id for p in profiles)
        raise InputError("F121", where=where, profile=profile, known=known)
    best: ClaimColumns | None = None
    for candidate in profiles:
        if profile in (None, candidate.id) and not any(header.one([n]) for n in candidate.unless):
            matched = _match(candidate, header)
            if matched and (best is None or _score(matched) > _score(best)):
                best = matched
    if best is None:
        wanted = [n for p in profiles for n in (*p.diagnoses.joined[:1], *p.diagnoses.wide[:1],
                                                *p.diagnoses.principal[:1])]  # fmt: skip
        raise InputError(
            "F110",
            where=where,
            found=_listed(columns),
            wanted=", ".join(dict.fromkeys(wanted)).replace(_NUMBER, "1"),
        )
    if profile is None:
        best = _borrow(best, profiles, header)
    if dtypes is not None:
        _check_dtypes(best, dtypes, where)
    return best


def _match(profile: HeaderProfile, header: Header) -> ClaimColumns | None:
    diagnoses, procedures = (
        _Codes((name,), joined=True)
        if profile.derived and name in header.names
        else _match_codes(headers, header)
        for name, headers in (("diagnoses", profile.diagnoses), ("procedures", profile.procedures))
    )
    if not diagnoses.columns:
        return None
    found = {name: header.one(names) for name, names in profile.scalars.items()}
    return ClaimColumns(
        scalars={name: column for name, column in found.items() if column is not None},
        diagnoses=diagnoses.columns,
        diagnoses_joined=diagnoses.joined,
        procedures=procedures.columns,
        procedures_joined=procedures.joined,
        separator=profile.separators[0],
        profile=profile.id,
    )


def _match_codes(headers: CodeHeaders, header: Header) -> _Codes:
    wide = header.numbered(headers.wide)
    joined = header.one(headers.joined)
    principal = header.one(headers.principal)
    if principal is None:
        if joined is not None:
            return _Codes((joined,), joined=True)
        return _Codes(wide)
    if listed := header.listed(headers.others_listed):
        return _Codes((principal, *listed))
    # Beside a principal column, numbered or joined columns hold the other codes.
    if others := header.numbered(headers.others_wide):
        return _Codes((principal, *others))
    if (other := header.one(headers.others_joined)) is not None:
        return _Codes((principal, other), joined=True)
    if wide:
        return _Codes((principal, *wide))
    return _Codes((principal,)) if joined is None else _Codes((principal, joined), joined=True)


def _score(columns: ClaimColumns) -> int:
    return len(columns.scalars) + bool(columns.diagnoses) + bool(columns.procedures)


def _borrow(best: ClaimColumns, profiles: Sequence[HeaderProfile], header: Header) -> ClaimColumns:
    """Fill fields the winning profile does not find, so that mixed headers are read whole."""
    scalars = dict(best.scalars)
    used = set(best.sources())
    procedures = _Codes(best.procedures, best.procedures_joined)
    for profile in profiles:
        if not profile.lends or profile.id == best.profile:
            continue
        for name, names in profile.scalars.items():
            if name not in scalars and (column := header.one(names)) and column not in used:
                scalars[name] = column
                used.add(column)
        if not procedures.columns:
            procedures = _match_codes(profile.procedures, header)
    return ClaimColumns(
        scalars=scalars,
        diagnoses=best.diagnoses,
        diagnoses_joined=best.diagnoses_joined,
        procedures=procedures.columns,
        procedures_joined=procedures.joined,
        separator=best.separator,
        profile=best.profile,
    )


def _check_dtypes(columns: ClaimColumns, dtypes: Mapping[str, Any], where: str) -> None:
    import polars as pl

    text = (pl.String, pl.Categorical, pl.Enum, pl.Null)
    for names, joined in (
        (columns.diagnoses, columns.diagnoses_joined),
        (columns.procedures, columns.procedures_joined),
    ):
        for name in names:
            dtype = dtypes[name]
            nested = joined and isinstance(dtype, pl.List | pl.Array)
            inner = dtype.inner if nested else dtype
            if inner not in text:
                raise InputError("F119", where=where, column=name, dtype=str(dtype))


def _listed(columns: Sequence[str]) -> str:
    more = "" if len(columns) <= _SHOWN else f" … ({len(columns)})"
    return ", ".join(columns[:_SHOWN]) + more
