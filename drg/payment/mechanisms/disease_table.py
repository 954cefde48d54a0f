"""Disease tables: what a disease with a procedure is paid, by insurance, level and day (spec C).

A CSV, XLSX or Parquet: disease, name, dx, px, insurance, hospital_level, standard, fund_ratio,
fund_fixed, from, to, source, status. ``dx`` and ``px`` hold codes or prefixes ending in ``*``,
joined by ``|``. What is impossible is refused with file, row and mend (P410-P415, P417-P419).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from drg.claims.days import read_day
from drg.dates import Interval
from drg.errors import TableError
from drg.money import AmountError, fen, scaled
from drg.payment.mechanisms.quotients import RATIO_SCALE
from drg.payment.pricing.levels import level_of
from drg.payment.weight_table import insurance_code

if TYPE_CHECKING:
    import polars as pl

    from drg.payment.mechanisms.disease_match import Days, Found, Matcher, Texts
    from drg.payment.mechanisms.quotients import Flags, Ints

__all__ = ["Disease", "DiseaseTable", "load_diseases"]

#: Columns, each with the headings under which bureaus hand it out; the first three are needed.
_HEADS = {
    "disease": ("disease", "病种编码", "病种代码", "病种编号", "病种序号", "序号"),
    "dx": ("dx", "主要诊断编码", "诊断编码", "疾病编码", "icd10", "主诊断编码"),
    "standard": ("standard", "付费标准", "结算标准", "定额标准", "医保支付标准", "收付费标准"),
    "name": ("name", "病种名称", "病种"),
    "px": ("px", "主要手术编码", "手术编码", "手术操作编码", "主要操作编码", "icd9cm3"),
    "insurance": ("insurance", "险种", "险种类型", "参保类型"),
    "hospital_level": ("hospital_level", "医疗机构等级", "医院等级", "医院级别", "级别"),
    "fund_ratio": ("fund_ratio", "基金支付比例", "统筹支付比例"),
    "fund_fixed": ("fund_fixed", "基金定额", "基金支付定额", "统筹支付定额"),
    "from": ("from", "开始日期", "生效日期", "起始日期"),
    "to": ("to", "截止日期", "失效日期", "终止日期"),
    "source": ("source", "来源"),
    "status": ("status", "状态"),
}
_NEEDED = ("disease", "dx", "standard")
_IGNORED = re.compile(r"[\s_\-]+")
#: A clean code, or the beginning of one and a ``*``; a lone ``*`` would take every claim.
_PATTERN = re.compile(r"[0-9A-Z][0-9A-Z.+/]*\*?")
#: Ten million yuan: a standard past this is a slip of the pen.
_LARGEST = 10_000_000_00
_PLACES = 6
_NONE = -1


@dataclass(frozen=True, slots=True)
class Disease:
    """One row: a disease's standard over some scope and days.

    Attributes
    ----------
    disease, name : str
        Code and name of the disease in the document.
    dx, px : tuple of str
        Codes, or prefixes ending in ``*``, in capitals; empty ``px``: none needed.
    insurance : str
        Code such as ``"310"``; ``""`` for all.
    hospital_level : str
        As the source names it; ``""`` for all.
    standard : int
        Fen, greater than zero.
    fund_ratio : Fraction or None
        Fund's share of the standard; None: the policy's.
    fund_fixed : int or None
        Fund's amount in fen; not beside ``fund_ratio``.
    in_force : Interval
        Days of discharge, half-open.
    source, status : str
        As in a policy; ``""`` not said.
    row : int
        Line of the file, the header being 1.
    """

    disease: str
    name: str
    dx: tuple[str, ...]
    px: tuple[str, ...]
    insurance: str
    hospital_level: str
    standard: int
    fund_ratio: Fraction | None = None
    fund_fixed: int | None = None
    in_force: Interval = field(default_factory=Interval)
    source: str = ""
    status: str = ""
    row: int = 0


@dataclass(frozen=True)
class DiseaseTable:
    """The rows of a place, and which of them holds for a claim. Immutable.

    Attributes
    ----------
    rows : tuple of Disease
        In the file's order; their positions are what ``match`` gives.
    digest : str
        SHA-256 over all that decides a payment.
    file : Path
        Where they stand.
    """

    rows: tuple[Disease, ...]
    digest: str
    file: Path = Path()

    @cached_property
    def standard_fen(self) -> Ints:
        """Standard by row, in fen."""
        return _array([row.standard for row in self.rows])

    @cached_property
    def fund_ratio_e6(self) -> Ints:
        """Fund's share by row, scaled 10⁶; -1 where the policy's holds."""
        ratios = [row.fund_ratio for row in self.rows]
        return _array([_NONE if r is None else int(r * RATIO_SCALE) for r in ratios])

    @cached_property
    def fund_fixed_fen(self) -> Ints:
        """Fund's amount by row, in fen; -1 where a ratio holds."""
        amounts = [row.fund_fixed for row in self.rows]
        return _array([_NONE if amount is None else amount for amount in amounts])

    @cached_property
    def _matcher(self) -> Matcher:
        from drg.payment.mechanisms.disease_match import Matcher

        return Matcher(self.rows)

    def lists(self, principal_dx: pl.Series) -> Flags:
        """Whether some row has the principal diagnosis: only these claims can have a row."""
        return self._matcher.lists(principal_dx)

    def match(
        self,
        principal_dx: pl.Series,
        procedures: pl.Series | None = None,
        insurance: Texts = None,
        hospital_level: Texts = None,
        day: Days = None,
        *,
        any_procedure: bool = False,
    ) -> Ints:
        """Position of the row that holds for each claim, -1 for none: ``find(…).row``."""
        return self.find(
            principal_dx, procedures, insurance, hospital_level, day, any_procedure=any_procedure
        ).row

    def find(
        self,
        principal_dx: pl.Series,
        procedures: pl.Series | None = None,
        insurance: Texts = None,
        hospital_level: Texts = None,
        day: Days = None,
        *,
        any_procedure: bool = False,
    ) -> Found:
        """What the table says of each claim.

        Parameters
        ----------
        principal_dx : Series of text
            Code of the principal diagnosis; null: not reported.
        procedures : Series of list of text, or of text joined by ``|``, optional
            The principal procedure first.
        insurance, hospital_level : Series of text or Named, optional
            In any spelling. Not reported or omitted: only rows for all fit.
        day : Series of Date or integer array, optional
            Discharge; numbers are days since 1970-01-01. Null or omitted: only rows without
            dates fit.
        any_procedure : bool, optional
            Any procedure of the claim may be the listed one; otherwise the principal one.

        Returns
        -------
        Found
            Of several rows that fit, the most specific (``drg.payment.mechanisms.disease_match``).
        """
        return self._matcher.find(
            principal_dx, procedures, insurance, hospital_level, day, any_procedure=any_procedure
        )


def load_diseases(path: str | Path) -> DiseaseTable:
    """Load a disease table.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, XLSX or Parquet.

    Raises
    ------
    TableError
        P410 a column is missing or twice there, P411 an amount, P412 a ratio, P413 a code,
        P414 two rows hold for one claim, P415 a date, P417 two ways of paying or a fund's
        amount above the standard, P418 no row, P419 a row without disease, or its status.
    InputError
        The file cannot be read.
    """
    from drg.claims.readers import open_file

    path = Path(path)
    where = str(path)
    with open_file(path) as source:
        columns = _columns(source.schema.names(), where)
        cells = source.cells([*columns.values()])
    rows = []
    for number, values in enumerate(cells.iter_rows(), start=2):
        texts = ["" if value is None else str(value).strip() for value in values]
        if any(texts):
            rows.append(_row(dict(zip(columns, texts, strict=True)), where, number))
    if not rows:
        raise TableError("P418", where=where)
    _check_overlaps(rows, where)
    return DiseaseTable(tuple(rows), _digest(rows), path)


def _columns(names: Sequence[str], where: str) -> dict[str, str]:
    """Our name of each column that the file has, to the file's."""
    found: dict[str, str] = {}
    for column, heads in _HEADS.items():
        keys = {_key(head) for head in heads}
        there = [name for name in names if _key(name) in keys]
        if len(there) > 1 or (not there and column in _NEEDED):
            raise TableError(
                "P410", where=where, column=column, found=", ".join(there or names[:12]),
                known=", ".join(heads),
            )  # fmt: skip
        if there:
            found[column] = there[0]
    return found


def _key(name: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _row(cells: dict[str, str], where: str, row: int) -> Disease:
    disease, status = cells["disease"], cells.get("status", "")
    if not disease:
        raise TableError("P419", where=where, row=row, column="disease", cell="", known="—")
    if status not in ("", *_statuses()):
        known = ", ".join(_statuses())
        raise TableError("P419", where=where, row=row, column="status", cell=status, known=known)
    dx = _patterns(cells["dx"], where, row, "dx")
    if not dx:
        raise TableError("P413", where=where, row=row, column="dx", cell="")
    standard = _amount(cells["standard"], where, row, "standard")
    ratio = _ratio(cells.get("fund_ratio", ""), where, row)
    amount = cells.get("fund_fixed", "")
    fixed = _amount(amount, where, row, "fund_fixed") if amount else None
    if fixed is not None and (ratio is not None or fixed > standard):
        raise TableError("P417", where=where, row=row, cell=amount, standard=cells["standard"])
    return Disease(
        disease=disease,
        name=cells.get("name", ""),
        dx=dx,
        px=_patterns(cells.get("px", ""), where, row, "px"),
        insurance=insurance_code(cells.get("insurance", "")),
        hospital_level=cells.get("hospital_level", ""),
        standard=standard,
        fund_ratio=ratio,
        fund_fixed=fixed,
        in_force=_interval(cells.get("from", ""), cells.get("to", ""), where, row),
        source=cells.get("source", ""),
        status=status,
        row=row,
    )


def _statuses() -> tuple[str, ...]:
    from drg.payment.policy.model import Status

    return get_args(Status)


def _patterns(cell: str, where: str, row: int, column: str) -> tuple[str, ...]:
    found = []
    for part in cell.split("|"):
        pattern = unicodedata.normalize("NFKC", part).strip().upper()
        if not pattern:
            continue
        if not _PATTERN.fullmatch(pattern):
            raise TableError("P413", where=where, row=row, column=column, cell=part.strip())
        found.append(pattern)
    return tuple(dict.fromkeys(found))


def _amount(cell: str, where: str, row: int, column: str) -> int:
    try:
        amount = fen(cell)
    except AmountError:
        amount = 0
    if not 0 < amount <= _LARGEST:
        most = _LARGEST // 100
        raise TableError("P411", where=where, row=row, column=column, cell=cell, most=most)
    return amount


def _ratio(cell: str, where: str, row: int) -> Fraction | None:
    if not cell:
        return None
    try:
        ratio = Fraction(scaled(cell, _PLACES), RATIO_SCALE)
    except AmountError as error:
        raise TableError("P412", where=where, row=row, cell=cell) from error
    if not 0 <= ratio <= 1:
        raise TableError("P412", where=where, row=row, cell=cell)
    return ratio


def _interval(start: str, end: str, where: str, row: int) -> Interval:
    days: list[date | None] = []
    for cell in (start, end):
        day = read_day(cell) if cell else None
        if cell and day is None:
            raise TableError("P415", where=where, row=row, cell=cell)
        days.append(day)
    try:
        return Interval(*days)
    except ValueError as error:
        raise TableError("P415", where=where, row=row, cell=f"{start} – {end}") from error


def _check_overlaps(rows: Sequence[Disease], where: str) -> None:
    """Refuse two rows of one scope and day that take the same diagnosis with the same procedure."""
    same: dict[tuple[str, str, str], list[Disease]] = {}
    for row in rows:
        for pattern in row.dx:
            key = (pattern, row.insurance, level_of(row.hospital_level))
            same.setdefault(key, []).append(row)
    for (pattern, _, _), group in same.items():
        for first, second in combinations(group, 2):
            px = not (first.px or second.px) or not set(first.px).isdisjoint(second.px)
            if px and first.in_force.overlaps(second.in_force):
                raise TableError(
                    "P414", where=where, first=first.row, second=second.row, dx=pattern,
                    days=f"{first.in_force}, {second.in_force}",
                )  # fmt: skip


def _digest(rows: Sequence[Disease]) -> str:
    said = [
        "\t".join(map(str, (
            row.disease, "|".join(row.dx), "|".join(row.px), row.insurance,
            level_of(row.hospital_level), row.standard, row.fund_ratio, row.fund_fixed,
            *row.in_force.texts,
        )))
        for row in rows
    ]  # fmt: skip
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _array(values: Sequence[int]) -> Ints:
    import numpy as np

    return np.array(values, np.int64)
