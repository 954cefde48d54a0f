"""Weight tables: relative weights of groups and the rates they are paid at, dated and sourced.

A table is ``<id>.csv`` (group, name, weight) with ``<id>.toml`` beside it (titles, in force, whose
groups, rates). Shipped ones lie in ``tables/weights``; one's own may be a CSV or XLSX alone.
Whatever is impossible in one is refused with file, row and mend (T170-T184).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from drg.dates import Interval, first_overlap
from drg.errors import TableError
from drg.forked import refuse_after_fork
from drg.money import AmountError, fen, scaled
from drg.paths import tables_root, there
from drg.toml_file import TomlError, read_toml

__all__ = [
    "Rate",
    "WeightTable",
    "insurance_code",
    "level_key",
    "list_weight_tables",
    "load_weight_table",
    "load_weight_versions",
]

#: Columns of a table, each with the headings under which bureaus hand it out.
_HEADS = {
    "group": (
        "group", "drg", "drg编码", "drg代码", "drg组编码", "drg组代码", "drg组",
        "病组编码", "病组代码", "病组", "分组编码", "分组代码", "组编码",
    ),
    "weight": (
        "weight", "rw", "rw值", "权重", "权重值", "相对权重", "病组权重", "基准权重", "基础权重",
        "drg权重", "drg组权重", "组权重",
    ),
}  # fmt: skip
_IGNORED = re.compile(r"[\s_\-]+")
#: A weight past this is a slip: the dearest groups known are below 100.
_LARGEST = 10_000
_NEAR = 5
#: What a TOML may hold; the second line is for the reader, and shipped tables have it.
_KEYS = {
    "id", "title_zh", "title_en", "place", "in_force", "scheme", "scheme_note_zh", "rates", "table",
    "scheme_note_en", "in_force_status", "in_force_note", "kind", "place_zh", "sources", "notes",
}  # fmt: skip
_RATE_KEYS = {"insurance", "rate", "hospital_level", "in_force", "source", "status", "note"}
_BESIDE = (".csv", ".xlsx", ".tsv", ".parquet")
_FILES = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".xlsx", ".toml")
#: Spellings of the two basic insurances besides their codes (interface dictionary insutype).
_INSURANCE = {
    "310": ("employee", "职工", "职工医保", "城镇职工", "职工基本医疗保险", "城镇职工基本医疗保险"),
    "390": ("resident", "居民", "居民医保", "城乡居民", "居民基本医疗保险", "城乡居民基本医疗保险"),
}
_CODE_OF = {name: code for code, names in _INSURANCE.items() for name in names}


@dataclass(frozen=True, slots=True)
class Rate:
    """Price of weight 1.

    Attributes
    ----------
    insurance : str
        Code such as ``"310"`` (employee) or ``"390"`` (resident).
    fen : int
        Fen for weight 1.0000, greater than zero.
    hospital_level : str
        As the source names it; ``""`` for every level.
    in_force : Interval
        Days on which it holds; open on both sides where the table's own dates say it all.
    """

    insurance: str
    fen: int
    hospital_level: str = ""
    in_force: Interval = field(default_factory=Interval)


@dataclass(frozen=True, slots=True)
class WeightTable:
    """Weights of one place and period.

    Attributes
    ----------
    id, title_zh, title_en, place : str
        ``place`` is ``""`` for a table of one's own that names none.
    in_force : Interval
        Half-open; chosen by discharge date where a place is named instead of a table.
    in_force_status : str
        How the dates are known, as in ``sources.toml``; ``""`` not said.
    scheme : str or None
        Scheme the groups belong to; ``""`` one that is not among the schemes, None not said.
    scheme_note : mapping of {"zh", "en"} to str
        What to know of that scheme.
    weights : mapping of str to int
        Group to weight, scaled 10⁴.
    unweighted : frozenset of str
        Groups that the table names without a weight.
    rates : tuple of Rate
        May be empty.
    digest : str
        SHA-256 over all that decides a weight or a rate.
    file : Path
        Where the weights stand.
    """

    id: str
    title_zh: str
    title_en: str
    place: str
    in_force: Interval
    in_force_status: str
    scheme: str | None
    scheme_note: Mapping[str, str]
    weights: Mapping[str, int]
    unweighted: frozenset[str]
    rates: tuple[Rate, ...]
    digest: str
    file: Path = Path()


def list_weight_tables() -> tuple[WeightTable, ...]:
    """Every table of ``tables/weights``, by place and date."""
    found = [load_weight_table(path) for path in sorted(_folder().glob("*.toml"))]
    return tuple(sorted(found, key=lambda t: (t.place, t.in_force.texts, t.id)))


def load_weight_versions(place: str) -> tuple[WeightTable, ...]:
    """The tables of a place, the earliest first.

    Raises
    ------
    TableError
        T170 no such place, T180 two of its tables are in force on one day; and what
        ``load_weight_table`` raises.
    """
    found = tuple(table for table in list_weight_tables() if table.place == place)
    if not found:
        raise TableError("T170", id=place, near=_near(place))
    if clash := first_overlap([table.in_force for table in found]):
        first, second = (found[n].id for n in clash)
        raise TableError("T180", where=str(_folder()), first=first, second=second)
    return found


def load_weight_table(id_or_path: str | Path) -> WeightTable:
    """Load one table.

    Parameters
    ----------
    id_or_path : str or Path
        ``"haerbin-2024"``, or a file: CSV, TSV, XLSX, Parquet, or the TOML beside one. A TOML of
        the same name beside a CSV or XLSX is read too.

    Raises
    ------
    TableError
        T170 no such table, T171-T174, T179, T181, T184 the rows, T175-T178, T182, T183 the TOML,
        T103 and T104 digest and row count where the TOML declares them.
    InputError
        The file cannot be read.
    """
    refuse_after_fork()
    path = Path(id_or_path)
    if path.suffix.lower() not in _FILES:
        shipped = _folder() / f"{id_or_path}.toml"
        if not there(shipped):
            raise TableError("T170", id=str(id_or_path), near=_near(str(id_or_path)))
        path = shipped
    if path.suffix.lower() == ".toml":
        toml = path
        path = next((p for s in _BESIDE if there(p := toml.with_suffix(s))), path)
        if path == toml:
            raise TableError("T182", where=str(toml))
    else:
        toml = path.with_suffix(".toml")
    header = _header(toml) if there(toml) else {}
    return _table(path, toml, header)


def insurance_code(text: str) -> str:
    """Code of an insurance: ``310`` for 职工 or ``310.0``; other text comes back stripped."""
    clean = unicodedata.normalize("NFKC", text).strip()
    return _CODE_OF.get(clean.casefold(), clean.removesuffix(".0"))


def level_key(text: str) -> str:
    """A hospital level without harmless differences: ``Ⅰ级``, ``I 级`` and ``i`` are one."""
    clean = _IGNORED.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return clean.removesuffix("级") or clean


def _folder() -> Path:
    return tables_root() / "weights"


def _near(wanted: str) -> str:
    known = {path.stem for path in _folder().glob("*.toml")}
    known |= {name.rpartition("-")[0] for name in known}
    return ", ".join(get_close_matches(wanted, sorted(known), n=_NEAR) or sorted(known)[:_NEAR])


def _header(toml: Path) -> dict[str, Any]:
    try:
        return read_toml(toml)
    except (OSError, TomlError) as error:
        raise TableError("T120", where=str(toml), detail=str(error)) from error


def _table(path: Path, toml: Path, header: Mapping[str, Any]) -> WeightTable:
    where = str(toml)
    _check_keys(header, _KEYS, where, "—")
    weights, unweighted = _rows(path)
    _check_file(path, header.get("table"), len(weights) + len(unweighted))
    title = _text(header, "title_zh", where) or path.stem
    name = _text(header, "id", where) or path.stem
    if name != path.stem:
        raise TableError("T183", where=where, id=name, wanted=path.stem)
    rates = tuple(
        _rate(entry, f"{where} [[rates]] {number}", number)
        for number, entry in enumerate(_listed(header, "rates", where), start=1)
    )
    _check_rates(rates, where)
    in_force = _interval(header.get("in_force", ("", "")), where)
    said = [*in_force.texts, *(f"{g}={w}" for g, w in sorted(weights.items()))]
    said += [
        f"{r.insurance}|{level_key(r.hospital_level)}|{r.fen}|{','.join(r.in_force.texts)}"
        for r in rates
    ]
    scheme = _text(header, "scheme", where) if "scheme" in header else None
    notes = {lang: _text(header, f"scheme_note_{lang}", where) for lang in ("zh", "en")}
    return WeightTable(
        id=name,
        title_zh=title,
        title_en=_text(header, "title_en", where) or title,
        place=_text(header, "place", where),
        in_force=in_force,
        in_force_status=_text(header, "in_force_status", where),
        scheme=scheme,
        scheme_note=notes,
        weights=weights,
        unweighted=unweighted,
        rates=rates,
        digest=hashlib.sha256("\n".join(said).encode()).hexdigest(),
        file=path,
    )


def _check_file(path: Path, entry: object, rows: int) -> None:
    """Hold the file to the digest and the number of rows that the TOML declares, if it does."""
    declared = entry if isinstance(entry, dict) else {}
    if wanted := declared.get("sha256"):
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != wanted:
            raise TableError("T103", where=str(path), found=found[:12], wanted=str(wanted)[:12])
    if declared.get("rows", rows) != rows:
        raise TableError("T104", where=str(path), found=rows, wanted=declared["rows"])


def _rows(path: Path) -> tuple[dict[str, int], frozenset[str]]:
    """Group to weight, and the groups without one; empty rows are left out."""
    from drg.claims.readers import open_file

    where = str(path)
    with open_file(path) as source:
        names = _columns(source.schema.names(), where)
        cells = source.cells(names)
    weights: dict[str, int] = {}
    seen: dict[str, int] = {}
    for row, values in enumerate(cells.iter_rows(), start=2):
        group, weight = ("" if value is None else str(value).strip() for value in values)
        if not group and not weight:
            continue
        if not group:
            raise TableError("T181", where=where, row=row, weight=weight)
        if group in seen:
            raise TableError("T173", where=where, row=row, group=group, first=seen[group])
        seen[group] = row
        if weight:
            weights[group] = _weight(weight, where, row, group)
    if not weights:
        raise TableError("T179", where=where)
    return weights, frozenset(seen.keys() - weights.keys())


def _columns(names: Sequence[str], where: str) -> list[str]:
    """The file's columns of groups and of weights."""
    by_key = {_IGNORED.sub("", unicodedata.normalize("NFKC", n)).casefold(): n for n in names}
    found = []
    for column in ("group", "weight"):
        keys = [_IGNORED.sub("", head) for head in _HEADS[column]]
        there = [by_key[key] for key in keys if key in by_key]
        if column == "weight" and len(there) > 1:
            raise TableError("T184", where=where, found=", ".join(there))
        name = there[0] if there else None
        if name is None:
            known = ", ".join(_HEADS[column])
            raise TableError(
                "T174", where=where, column=column, found=", ".join(names[:12]), known=known
            )
        found.append(name)
    return found


def _weight(cell: str, where: str, row: int, group: str) -> int:
    try:
        weight = scaled(cell)
    except AmountError as error:
        raise TableError("T171", where=where, row=row, group=group, cell=cell) from error
    if not 0 < weight <= scaled(_LARGEST):
        raise TableError("T172", where=where, row=row, group=group, cell=cell, most=_LARGEST)
    return weight


def _rate(entry: object, where: str, number: int) -> Rate:
    if not isinstance(entry, dict):
        raise TableError("T175", where=where, number=number, key="insurance", value=entry)
    _check_keys(entry, _RATE_KEYS, where, number)
    insurance, price = entry.get("insurance"), entry.get("rate")
    level = entry.get("hospital_level", "")
    if not isinstance(insurance, str) or not insurance.strip():
        raise TableError("T175", where=where, number=number, key="insurance", value=insurance)
    if not isinstance(level, str):
        raise TableError("T175", where=where, number=number, key="hospital_level", value=level)
    try:
        if not isinstance(price, str | int):
            raise TypeError
        amount = fen(price)
    except (AmountError, TypeError) as error:
        raise TableError("T176", where=where, number=number, value=price) from error
    if amount <= 0:
        raise TableError("T176", where=where, number=number, value=price)
    in_force = _interval(entry.get("in_force", ("", "")), where)
    return Rate(insurance_code(insurance), amount, level.strip(), in_force)


def _check_keys(entry: Mapping[str, Any], known: set[str], where: str, number: int | str) -> None:
    """Refuse a key that nobody reads: a level so lost would be a rate for every hospital."""
    if strange := sorted(set(entry) - known):
        raise TableError(
            "T175", where=where, number=number, key=strange[0], value=entry[strange[0]]
        )


def _check_rates(rates: Sequence[Rate], where: str) -> None:
    """No two rates for one insurance, level and day."""
    same: dict[tuple[str, str], list[Rate]] = {}
    for rate in rates:
        same.setdefault((rate.insurance, level_key(rate.hospital_level)), []).append(rate)
    for (insurance, _), group in same.items():
        if clash := first_overlap([rate.in_force for rate in group]):
            first, second = (group[n] for n in clash)
            raise TableError(
                "T177",
                where=where,
                insurance=insurance,
                level=first.hospital_level or "—",
                first=str(first.in_force),
                second=str(second.in_force),
            )


def _interval(texts: object, where: str) -> Interval:
    try:
        if not isinstance(texts, list | tuple) or not all(isinstance(t, str) for t in texts):
            raise TypeError
        return Interval.parse(texts)
    except (TypeError, ValueError) as error:
        raise TableError("T178", where=where, value=texts) from error


def _text(header: Mapping[str, Any], key: str, where: str) -> str:
    value = header.get(key, "")
    if not isinstance(value, str):
        raise TableError("T175", where=where, number="—", key=key, value=value)
    return value.strip()


def _listed(header: Mapping[str, Any], key: str, where: str) -> list[object]:
    value = header.get(key, [])
    if not isinstance(value, list):
        raise TableError("T175", where=where, number="—", key=key, value=value)
    return value
