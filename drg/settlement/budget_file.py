"""A budget's events read from a table: CSV, XLSX or Parquet, headings in Chinese or English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from drg.claims.days import read_day
from drg.money import AmountError, fen
from drg.payment.weight_table import insurance_code
from drg.settlement.budget import ADJUSTMENT_REASONS, LEVELS, STEPS, Budget, BudgetError
from drg.settlement.budget import BudgetEvent as Event

__all__ = ["HEADS", "load_budget"]

#: Columns and the headings they may have; the first five are needed.
HEADS: Mapping[str, tuple[str, ...]] = {
    "level": ("level", "层级", "级次", "预算层级"),
    "unit": ("unit", "单位", "单位编码", "机构编码", "医疗机构编码", "hospital_id"),
    "insurance": ("insurance", "险种", "险种类型"),
    "period": ("period", "期间", "年度", "预算期间", "year"),
    "step": ("step", "环节", "步骤", "状态"),
    "amount": ("amount", "金额", "预算金额", "额度", "定额"),
    "parent": ("parent", "上级", "上级单位", "所属区县"),
    "on": ("on", "date", "日期", "办理日期"),
    "reason": ("reason", "原因", "调整原因"),
    "document": ("document", "文件", "依据", "文号"),
}
_NEEDED = ("level", "unit", "insurance", "period", "step")
_WORDS: Mapping[str, Mapping[str, str]] = {
    "level": {
        "市": "city", "市级": "city", "全市": "city", "区": "district", "县": "district",
        "区县": "district", "区级": "district", "县级": "district", "医院": "hospital",
        "机构": "hospital", "医疗机构": "hospital", "预留": "reserve", "调剂金": "reserve",
        "医共体": "community",
    },
    "step": {
        "草案": "draft", "医院申报": "draft", "测算": "agency_measure",
        "经办测算": "agency_measure",
        "征求意见": "consultation", "协商": "consultation", "医院反馈": "hospital_reply",
        "谈判": "negotiated", "谈判确定": "negotiated", "签订": "signed", "签约": "signed",
        "调整": "adjusted", "年中调整": "adjusted", "清算": "settled", "已清算": "settled",
    },
    "reason": {
        "基金收入": "revenue", "就诊人次": "visits", "待遇政策": "benefit",
        "待遇政策调整": "benefit", "突发公共卫生事件": "public_health",
    },
}  # fmt: skip
_KNOWN = {"level": LEVELS, "step": tuple(s for s in STEPS if s), "reason": ADJUSTMENT_REASONS}
_YEAR = re.compile(r"([0-9]{4})年?")
_QUARTER = re.compile(r"([0-9]{4})年?[-/]?(?:Q([1-4])|第?([1-4一二三四])季度)")
_MONTH = re.compile(r"([0-9]{4})[-/年]([0-9]{1,2})月?")
_QUARTER_OF = {"一": "1", "二": "2", "三": "3", "四": "4"}
_BLANKS = re.compile(r"[\s_\-]+")


def load_budget(path: str | Path) -> Budget:
    """Read a budget and hold its sums against each other.

    Parameters
    ----------
    path : str or Path
        Columns ``level``, ``unit``, ``insurance``, ``period`` (``2025``, ``2025Q1``, ``2025-01``)
        and ``step``; ``amount`` in yuan, ``parent``, ``on``, ``reason``, ``document`` as needed.
        Rows stand in the order things happened; empty rows do not count.

    Raises
    ------
    InputError
        The file cannot be read.
    BudgetError
        P443 a column is missing, P444 a cell cannot be used, P445 a step is out of order, P446 the
        quotas do not add up.
    """
    from drg.claims.readers import open_file

    where = str(path)
    with open_file(path) as source:
        names = _columns(source.schema.names(), where)
        cells = source.cells([*names.values()])
    events = []
    for row, values in enumerate(cells.iter_rows(), start=2):
        found = {
            column: "" if value is None else str(value).strip()
            for column, value in zip(names, values, strict=True)
        }
        if any(found.values()):
            days = dict(zip(names, values, strict=True))
            events.append(_event(found, days.get("on"), row, where))
    budget = Budget(events, where=where)
    budget.check()
    return budget


def _columns(names: list[str], where: str) -> dict[str, str]:
    """Column to the file's heading for it."""
    by_key = {_key(name): name for name in names}
    found: dict[str, str] = {}
    for column, heads in HEADS.items():
        there = [by_key[_key(head)] for head in heads if _key(head) in by_key]
        if there:
            found[column] = there[0]
        elif column in _NEEDED:
            raise BudgetError(
                "P443", where=where, column=column, known=", ".join(heads),
                found=", ".join(names[:12]),
            )  # fmt: skip
    return found


def _key(name: str) -> str:
    return _BLANKS.sub("", unicodedata.normalize("NFKC", name)).casefold()


def _event(found: Mapping[str, str], on: object, row: int, where: str) -> Event:
    def refused(column: str, known: str = "—") -> BudgetError:
        value = found.get(column, "")
        return BudgetError("P444", where=where, row=row, column=column, value=value, known=known)

    words: dict[str, str] = {}
    for column, known in _KNOWN.items():
        cell = found.get(column, "")
        words[column] = _WORDS[column].get(cell, cell.casefold())
        if words[column] not in known and (cell or column != "reason"):
            raise refused(column, ", ".join(known))
    period = _period(found["period"])
    if period is None:
        raise refused("period", "2025, 2025Q1, 2025-01")
    amount = None
    if text := found.get("amount", ""):
        try:
            amount = fen(text, half_up=False)
        except AmountError as error:
            raise refused("amount") from error
        if amount < 0:
            raise refused("amount", ">= 0")
    day = read_day(on) if found.get("on") else None
    if found.get("on") and day is None:
        raise refused("on", "2025-01-31")
    for column in ("unit", "insurance"):
        if not found[column]:
            raise refused(column)
    return Event(
        level=words["level"],
        unit=found["unit"],
        insurance=insurance_code(found["insurance"]),
        year=period[0],
        part=period[1],
        step=words["step"],
        amount=amount,
        parent=found.get("parent", ""),
        on=day,
        reason=words["reason"],
        document=found.get("document", ""),
        row=row,
    )


def _period(text: str) -> tuple[int, str] | None:
    """Year, and quarter or month in it; None: it is none of these."""
    clean = unicodedata.normalize("NFKC", text).upper()
    if found := _YEAR.fullmatch(clean):
        return int(found[1]), ""
    if found := _QUARTER.fullmatch(clean):
        quarter = found[2] or found[3]
        return int(found[1]), f"Q{_QUARTER_OF.get(quarter, quarter)}"
    found = _MONTH.fullmatch(clean)
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    return int(found[1]), f"{int(found[2]):02}"
