"""Tables beside the claims of a month: hospitals and decisions, headings in Chinese or English."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from drg.claims.days import read_day
from drg.claims.readers import open_file
from drg.money import AmountError, fen, scaled
from drg.payment.pricing.hospitals import MEASURED
from drg.payment.pricing.levels import LEVEL_CODE_COLUMNS
from drg.settlement.ledger import SettlementError
from drg.settlement.matters import DECISION_SCHEMA

__all__ = ["DECISIONS", "HOSPITAL_SCHEMA", "read_decisions", "read_hospitals", "whole"]

#: One row a hospital. ``level`` as the table spells it; ``rate_level`` the one its rate goes by;
#: ``coefficient`` and ``assessment`` decimals as written; ``enrolled`` persons signed with it or,
#: in the row of a medical community, insured in it; what a dynamic coefficient measures (DIP) in
#: per cent as written; null: not said.
HOSPITAL_SCHEMA = pl.Schema(
    {
        "hospital_id": pl.String(),
        "name": pl.String(),
        "level": pl.String(),
        "rate_level": pl.String(),
        "coefficient": pl.String(),
        "community": pl.String(),
        "working_capital_fen": pl.Int64(),
        "assessment": pl.String(),
        "enrolled": pl.Int64(),
        **dict.fromkeys(MEASURED.values(), pl.String()),
    }
)
#: What may be decided on each matter.
DECISIONS: Mapping[str, tuple[str, ...]] = {
    "special_review": ("by_item", "adjusted", "rejected"),
    "by_item": ("accepted", "by_item", "rejected"),
    "exit": ("accepted", "by_item", "exit", "rejected"),
    "dispute": ("open", "accepted", "refused"),
    "hold": ("open", "released", "refused"),
    "deduction": ("accepted", "refused"),
    "violation": ("accepted", "refused"),
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "matter": {
        "特例单议": "special_review", "单议": "special_review", "按项目付费": "by_item",
        "按项目": "by_item", "退出": "exit", "退出单病种": "exit", "争议": "dispute",
        "有争议": "dispute", "缓付": "hold", "暂缓支付": "hold", "暂缓": "hold", "调查": "hold",
        "扣减": "deduction", "审核扣款": "deduction", "扣款": "deduction", "违规": "violation",
    },
    "decision": {
        "按项目付费": "by_item", "按项目": "by_item", "调整标准": "adjusted", "调整": "adjusted",
        "不通过": "rejected", "驳回": "rejected", "待定": "open", "未决": "open", "处理中": "open",
        "认可": "accepted", "通过": "accepted", "同意": "accepted", "确认": "accepted",
        "解除": "released", "放行": "released", "不予支付": "refused", "拒付": "refused",
        "撤销": "refused",
    },
}  # fmt: skip
_DECISION_HEADS: Mapping[str, tuple[str, ...]] = {
    "claim_id": ("claim_id", "结算ID", "结算编号", "结算单号", "setl_id"),
    "matter": ("matter", "事项", "事由"),
    "decision": ("decision", "结论", "处理结果", "决定"),
    "amount": ("amount", "金额"),
    "on": ("on", "date", "日期", "决定日期"),
    "reason": ("reason", "原因", "理由"),
    "document": ("document", "文件", "文号", "依据"),
}
_HOSPITAL_HEADS: Mapping[str, tuple[str, ...]] = {
    "hospital_id": (
        "hospital_id", "医疗机构编码", "定点医疗机构编码", "机构编码", "fixmedins_code",
    ),
    "name": ("name", "hospital_name", "医疗机构名称", "机构名称", "名称"),
    "level": (
        "level", "hospital_level", "医疗机构等级", "医院等级", "等级", *sorted(LEVEL_CODE_COLUMNS),
    ),
    "rate_level": ("rate_level", "费率等级", "结算等级"),
    "coefficient": ("coefficient", "机构系数", "系数"),
    "community": ("community", "医共体", "医共体编码"),
    "working_capital": ("working_capital", "周转金"),
    "assessment": ("assessment", "考核系数", "考核"),
    "enrolled": ("enrolled", "签约人数", "参保人数", "人数"),
    "cmi_excess": ("cmi_excess", "CMI超出", "CMI超出百分比"),
    "child_excess": ("child_excess", "儿童占比超出", "低龄占比超出百分比"),
    "elder_excess": ("elder_excess", "老年占比超出", "老年占比超出百分比"),
    "tcm_share": ("tcm_share", "中医药费用占比", "中医药占比"),
}  # fmt: skip
#: Dictionary hosp_lv, codes 1 to 14 (spec J.3), in the words of a statement.
_LEVEL_WORDS = (
    "三级特等", "三级甲等", "三级乙等", "三级丙等", "二级甲等", "二级乙等", "二级丙等",
    "一级甲等", "一级乙等", "一级丙等", *["未定级"] * 4,
)  # fmt: skip
_SHOWN = 12
#: As for the coefficients of a policy.
_RATIO_PLACES, _LARGEST = 6, 100
_LARGEST_PERCENT = 10_000


def read_decisions(path: str | Path) -> pl.DataFrame:
    """Read decisions on claims.

    Parameters
    ----------
    path : str or Path
        CSV, XLSX or Parquet with ``claim_id``, ``matter``, ``decision``; ``amount`` in yuan,
        ``on``, ``reason``, ``document`` where they are needed (docs/payment.md). Of several on one
        matter of a claim the latest holds, the last one where no day is given.

    Returns
    -------
    DataFrame
        ``DECISION_SCHEMA``.

    Raises
    ------
    InputError
        The file cannot be read.
    SettlementError
        P436 a column is missing, P437 a cell cannot be used.
    """
    where = str(path)
    rows = []
    cells = _cells(path, _DECISION_HEADS, needed=3)
    for row, found in cells:
        words = {}
        for column, spellings in _WORDS.items():
            text = found.get(column, "")
            words[column] = spellings.get(text, text.casefold())
        matter, decision = words["matter"], words["decision"]
        if matter not in DECISIONS:
            raise _refused(where, row, "matter", found["matter"], ", ".join(DECISIONS))
        if matter in ("deduction", "violation") and not decision:
            decision = "accepted"
        if decision not in DECISIONS[matter]:
            known = ", ".join(DECISIONS[matter])
            raise _refused(where, row, "decision", found["decision"], known)
        if not found["claim_id"]:
            raise _refused(where, row, "claim_id", "", "—")
        amount = _money(found, "amount", where, row)
        if amount is None and (decision == "adjusted" or matter == "violation"):
            raise _refused(where, row, "amount", "", "123.45")
        day = read_day(found["on"]) if found.get("on") else None
        if found.get("on") and day is None:
            raise _refused(where, row, "on", found["on"], "2025-01-31")
        rows.append(
            (found["claim_id"], matter, decision, amount, day, found.get("reason", ""),
             found.get("document", ""), row)
        )  # fmt: skip
    return pl.DataFrame(rows, schema=DECISION_SCHEMA, orient="row")


def read_hospitals(path: str | Path) -> pl.DataFrame:
    """Read the register of hospitals.

    Parameters
    ----------
    path : str or Path
        CSV, XLSX or Parquet with ``hospital_id``; further columns as in ``HOSPITAL_SCHEMA``, money
        in yuan, coefficients as decimals. A column named ``hosp_lv`` holds codes of the interface
        dictionary, where 2 is 三级甲等.

    Returns
    -------
    DataFrame
        ``HOSPITAL_SCHEMA``, in the file's order.

    Raises
    ------
    InputError
        The file cannot be read.
    SettlementError
        P436 a column is missing, P437 a cell cannot be used, a hospital stands there twice.
    """
    where = str(path)
    rows: list[tuple[object, ...]] = []
    seen: set[str] = set()
    for row, found in _cells(path, _HOSPITAL_HEADS, needed=1, coded="level"):
        hospital = found["hospital_id"]
        if not hospital or hospital in seen:
            raise _refused(where, row, "hospital_id", hospital, "—")
        seen.add(hospital)
        texts = [found.get(name) or None for name in ("name", "level", "rate_level")]
        rows.append(
            (hospital, *texts, _ratio(found, "coefficient", where, row),
             found.get("community") or None, _money(found, "working_capital", where, row),
             _ratio(found, "assessment", where, row), _count(found, "enrolled", where, row),
             *(_percent(found, name, where, row) for name in MEASURED.values()))
        )  # fmt: skip
    return pl.DataFrame(rows, schema=HOSPITAL_SCHEMA, orient="row")


def _cells(
    path: str | Path, heads: Mapping[str, tuple[str, ...]], needed: int, *, coded: str = ""
) -> list[tuple[int, dict[str, str]]]:
    """Rows that hold something, by number, as text by column; codes of levels as words."""
    with open_file(path) as source:
        names = _columns(source.schema.names(), heads, needed, str(path))
        table = source.cells([*names.values()])
    found = []
    for row, values in enumerate(table.iter_rows(), start=2):
        cells = {
            column: "" if value is None else str(value).strip()
            for column, value in zip(names, values, strict=True)
        }
        if coded in names and _key(names[coded]) in LEVEL_CODE_COLUMNS:
            cells[coded] = _level_words(cells[coded], str(path), row)
        if any(cells.values()):
            found.append((row, cells))
    return found


def _level_words(text: str, where: str, row: int) -> str:
    code = text.removesuffix(".0")
    if not (code.isascii() and code.isdigit()):
        return text
    if not 1 <= int(code) <= len(_LEVEL_WORDS):
        raise _refused(where, row, "level", text, f"1–{len(_LEVEL_WORDS)}")
    return _LEVEL_WORDS[int(code) - 1]


def _columns(
    names: Sequence[str], heads: Mapping[str, tuple[str, ...]], needed: int, where: str
) -> dict[str, str]:
    by_key = {_key(name): name for name in names}
    found: dict[str, str] = {}
    for place, (column, spellings) in enumerate(heads.items()):
        there = [by_key[_key(head)] for head in spellings if _key(head) in by_key]
        if there:
            found[column] = there[0]
        elif place < needed:
            shown = ", ".join(names[:_SHOWN])
            known = ", ".join(spellings)
            raise SettlementError("P436", where=where, column=column, known=known, found=shown)
    return found


def whole(table: pl.DataFrame | None, schema: pl.Schema) -> pl.DataFrame | None:
    """A table of one's own with every column that a file's would have; null where it says nothing.

    Its first column stays away if it is: whoever reads the table tells that.
    """
    if table is None:
        return None
    added = [name for name in schema.names()[1:] if name not in table.columns]
    return table.with_columns(pl.lit(None, schema[name]).alias(name) for name in added)


def _key(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _money(found: Mapping[str, str], column: str, where: str, row: int) -> int | None:
    text = found.get(column, "")
    if not text:
        return None
    try:
        amount = fen(text)
    except AmountError as error:
        raise _refused(where, row, column, text, "123.45") from error
    if amount < 0:
        raise _refused(where, row, column, text, ">= 0")
    return amount


def _ratio(found: Mapping[str, str], column: str, where: str, row: int) -> str | None:
    text = found.get(column, "")
    if not text:
        return None
    try:
        ratio = scaled(text, _RATIO_PLACES)
    except AmountError as error:
        raise _refused(where, row, column, text, "0.92") from error
    if not 0 <= ratio <= _LARGEST * 10**_RATIO_PLACES:
        raise _refused(where, row, column, text, f"0–{_LARGEST}")
    return text


def _percent(found: Mapping[str, str], column: str, where: str, row: int) -> str | None:
    """Per cent as written, below zero too; the sign ``%`` may stand behind it."""
    text = found.get(column, "").removesuffix("%").strip()
    if not text:
        return None
    try:
        percent = scaled(text, _RATIO_PLACES)
    except AmountError as error:
        raise _refused(where, row, column, text, "12.5") from error
    if abs(percent) > _LARGEST_PERCENT * 10**_RATIO_PLACES:
        raise _refused(where, row, column, text, f"-{_LARGEST_PERCENT}–{_LARGEST_PERCENT}")
    return text


def _count(found: Mapping[str, str], column: str, where: str, row: int) -> int | None:
    text = found.get(column, "").removesuffix(".0")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _refused(where, row, column, text, "12000")
    return int(text)


def _refused(where: str, row: int, column: str, value: str, known: str) -> SettlementError:
    return SettlementError("P437", where=where, row=row, column=column, value=value, known=known)
