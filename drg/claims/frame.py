"""The canonical claim frame as data: every column with dtype, unit and the meaning of null.

Readers, the claim model, the grouper and the docs all take names and dtypes from here.
Nothing here imports polars at import time; ``schema()`` and ``polars_dtype()`` do when called.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["str", "int", "date", "money", "codes"]

#: Joins diagnoses or procedures in one text column. ``+`` and ``*`` belong to the codes.
SEPARATOR = "|"
#: Blanks that may stand around a value: space, tab, line ends, no-break and ideographic space.
BLANKS = " \t\r\n\u00a0\u3000"


class Column(NamedTuple):
    """One column of the canonical frame.

    Attributes
    ----------
    name : str
        Column name.
    kind : {"str", "int", "date", "money", "codes"}
        ``int`` is Int64, ``date`` is Date, ``money`` is yuan as written (String, so that no
        digit is lost), ``codes`` is List(String), in order, the principal code first.
    unit : str
        Unit or permitted values; empty for free text.
    title_zh : str
        Chinese name, as on the settlement list (医保结算清单).
    meaning : str
        What the column says.
    null : str
        What null means. Null is never a default: a rule that needs the value says so.
    """

    name: str
    kind: Kind
    unit: str
    title_zh: str
    meaning: str
    null: str


_NOT_REPORTED = "not reported"

COLUMNS: tuple[Column, ...] = (
    Column(
        "claim_id", "str", "", "结算ID",
        "Identifies the claim in its file.", "the claim has no name",
    ),
    Column(
        "hospital_id", "str", "", "医疗机构编码",
        "Hospital the claim belongs to.", _NOT_REPORTED,
    ),
    Column(
        "patient_id", "str", "", "人员编号",
        "Insured person, under a pseudonym.", _NOT_REPORTED,
    ),
    Column(
        "department", "str", "", "出院科别",
        "Department of discharge, code or name.", _NOT_REPORTED,
    ),
    Column(
        "insurance", "str", "310 employee, 390 resident", "险种类型",
        "Insurance scheme of the person.", _NOT_REPORTED,
    ),
    Column(
        "sex", "str", "M or F; 1/2, 1.0/2.0, 男/女, male/female are read", "性别",
        "Sex as reported; any other text stays and is judged as not recognised.", _NOT_REPORTED,
    ),
    Column("age", "int", "completed years", "年龄", "Age at admission.", _NOT_REPORTED),
    Column(
        "age_days", "int", "days", "年龄（天）",
        "Age at admission in days, for patients under one year.",
        "not reported, or the patient is one year or older",
    ),
    Column(
        "birth_weight_g", "int", "grams", "新生儿出生体重",
        "Birth weight of a newborn.", "not reported, or not a newborn",
    ),
    Column(
        "admission_weight_g", "int", "grams", "新生儿入院体重",
        "Weight of a newborn at admission.", "not reported, or not a newborn",
    ),
    Column("admitted_on", "date", "", "入院日期", "Date of admission.", _NOT_REPORTED),
    Column(
        "discharged_on", "date", "", "出院日期",
        "Date of discharge; it chooses the version where a place is named.", _NOT_REPORTED,
    ),
    Column("los_days", "int", "days", "住院天数", "Length of stay.", _NOT_REPORTED),
    Column(
        "icu_hours", "int", "hours", "重症监护时长",
        "Total time in intensive care.", "not reported (0 means no intensive care)",
    ),
    Column(
        "ventilation_hours", "int", "hours", "呼吸机使用时长",
        "Total time of invasive ventilation.", "not reported (0 means none)",
    ),
    Column(
        "disposition", "str", "1-5, 9", "离院方式",
        "How the patient left: 1 by order, 2 to another hospital, 3 to community care, "
        "4 against advice, 5 died, 9 other.",
        _NOT_REPORTED,
    ),
    Column(
        "diagnoses", "codes", "ICD-10, insurance edition", "诊断编码",
        "Diagnosis codes, the principal first. An empty first entry is a missing principal.",
        "no diagnosis reported; the same as an empty list",
    ),
    Column(
        "procedures", "codes", "ICD-9-CM-3, insurance edition", "手术操作编码",
        "Procedure codes, the principal first.", "no procedure; the same as an empty list",
    ),
    Column("total_cost", "money", "yuan", "总费用", "Total charge of the stay.", _NOT_REPORTED),
    Column("patient_paid", "money", "yuan", "个人支付", "Part paid by the patient.", _NOT_REPORTED),
    Column(
        "new_technology_cost", "money", "yuan", "新技术费用",
        "Charge for new drugs and new technology paid apart.", _NOT_REPORTED,
    ),
)  # fmt: skip

#: Columns that grouping adds after the columns of the input, in this order: text, held
#: as Enum of the scheme's own values.
RESULT_COLUMNS: tuple[Column, ...] = (
    Column(
        "mdc", "str", "", "主要诊断大类", "Major diagnostic category, such as MDCF.",
        "none was reached",
    ),
    Column("adrg", "str", "", "核心疾病诊断相关组", "Adjacent DRG.", "none was reached"),
    Column("group", "str", "", "疾病诊断相关组", "DRG, xQY or 0000.", "the claim was not grouped"),
    Column(
        "severity", "str", "MCC, CC or NONE", "合并症并发症等级",
        "Highest level of complication that counts.", "outcome is not GROUPED",
    ),
    Column(
        "outcome", "str", "GROUPED, AMBIGUOUS, UNGROUPABLE, REJECTED or NOT_IN_FORCE",
        "入组结果", "What became of the claim.", "never null",
    ),
    Column(
        "reason", "str", "", "原因代码",
        "Reason code; drg rule CODE explains it.", "nothing to tell",
    ),
    Column("group_name", "str", "", "分组名称", "Name of the group.", "the claim has no group"),
)  # fmt: skip

#: Columns that a DIP catalogue adds after those; text as Enum, the score as Decimal.
DIP_COLUMNS: tuple[Column, ...] = (
    Column(
        "group_class", "str", "class.kind, such as core.surgery", "病种类型",
        "Class and kind of the group.", "the claim has no group",
    ),
    Column(
        "auxiliary", "str", "", "辅助分型", "Auxiliary subtype whose score counts.",
        "the group's own score counts, or the claim has no group",
    ),
    Column(
        "decided_by", "str", "", "决出依据",
        "Comparator that chose among several groups that fitted.", "no more than one fitted",
    ),
    Column("score", "str", "points, four places", "分值", "Score.", "the claim has no group"),
)  # fmt: skip

#: Columns that a run by place adds after the result columns, likewise.
VERSION_COLUMNS: tuple[Column, ...] = (
    Column(
        "scheme", "str", "", "分组方案版本",
        "Id of the version in force on the day of discharge.", "no version was in force",
    ),
    Column(
        "nearest_version", "str", "", "最近的版本",
        "Where no version was in force: the nearest one and its days, the end excluded.",
        "a version was in force, or the day of discharge cannot be read",
    ),
)  # fmt: skip

#: Columns that payment reads if a file has them; grouping does not, so a ``Claim`` has none.
PRICING_COLUMNS: tuple[Column, ...] = (
    Column(
        "hospital_level", "str", "as the policy or the table of rates names it", "医疗机构等级",
        "Level of the hospital, where rates or standards differ by it.", _NOT_REPORTED,
    ),
    Column(
        "version", "int", "1, 2, …", "结算版本",
        "Version of the settlement; a higher one replaces the lower.", "1",
    ),
    Column(
        "care_type", "str", "med_type: 11 outpatient, 21 inpatient, …", "医疗类别",
        "Kind of care; local codes mark bed-day stays.", "inpatient, unless other rules say",
    ),
    Column(
        "payer", "str", "insurance (empty), self_pay, work_injury, third_party, other",
        "支付方", "Who pays, where it is not the basic insurance.", "the basic insurance",
    ),
    Column(
        "person_category", "str", "as the policy names it", "人员类别",
        "Category of the person with rules of its own, such as minors or low income.",
        "none",
    ),
    Column(
        "acute_phase", "str", "1/0, 是/否", "急性期",
        "Whether a psychiatric stay is in its acute phase.", _NOT_REPORTED,
    ),
    Column(
        "from_emergency", "str", "1/0, 是/否", "急诊入院",
        "Whether the stay began in an emergency department.", _NOT_REPORTED,
    ),
    Column(
        "fully_self_paid", "money", "yuan", "全自费金额",
        "Charges outside the catalogue.", _NOT_REPORTED,
    ),
    Column(
        "first_self_paid", "money", "yuan", "先行自付金额",
        "Part of class B items that the patient pays first.", _NOT_REPORTED,
    ),
    Column("deductible", "money", "yuan", "起付线", "Deductible of the stay.", _NOT_REPORTED),
    Column(
        "class_a_cost", "money", "yuan", "甲类费用", "Charges of class A items.", _NOT_REPORTED,
    ),
    Column(
        "class_b_cost", "money", "yuan", "乙类费用", "Charges of class B items.", _NOT_REPORTED,
    ),
    Column(
        "reasonable_advance", "money", "yuan", "合理垫付费用",
        "What the hospital advanced and the agency holds reasonable.", _NOT_REPORTED,
    ),
    Column(
        "drug_cost", "money", "yuan", "药品费", "Charges for drugs.", _NOT_REPORTED,
    ),
    Column(
        "outside_budget_cost", "money", "yuan", "预算外费用",
        "Charges outside the global budget, such as negotiated cancer drugs.", "none",
    ),
    Column(
        "insured_community", "str", "", "参保人所属医共体",
        "Medical community whose package the person belongs to.", _NOT_REPORTED,
    ),
    Column(
        "billed_apart_cost", "money", "yuan", "另行收费",
        "Charges billed beside a package: special ward, listed implants.", "none",
    ),
    Column(
        "new_technology_kind", "str", "drug, consumable, service", "新技术类别",
        "Category of the new technology charged.", _NOT_REPORTED,
    ),
    Column(
        "procurement", "str", "within_task, beyond_task, non_selected; several joined by |",
        "集采类别", "Standing of the case's products under joint procurement.",
        "not a case of joint procurement",
    ),
)  # fmt: skip

COLUMN: dict[str, Column] = {column.name: column for column in COLUMNS}
RESULT_NAMES: tuple[str, ...] = tuple(column.name for column in RESULT_COLUMNS)
DIP_RESULT_NAMES: tuple[str, ...] = tuple(column.name for column in DIP_COLUMNS)
SCALARS: tuple[str, ...] = tuple(column.name for column in COLUMNS if column.kind != "codes")
PRICING_NAMES: tuple[str, ...] = tuple(column.name for column in PRICING_COLUMNS)


def polars_dtype(kind: Kind) -> pl.DataType:
    """The polars dtype that holds a column of this kind."""
    import polars as pl

    if kind == "int":
        return pl.Int64()
    if kind == "date":
        return pl.Date()
    if kind == "codes":
        return pl.List(pl.String())
    return pl.String()


def schema() -> pl.Schema:
    """Polars schema of a canonical claim frame, in canonical column order."""
    import polars as pl

    return pl.Schema({column.name: polars_dtype(column.kind) for column in COLUMNS})


def rename_clashing(columns: Iterable[str], added: Sequence[str] = RESULT_NAMES) -> dict[str, str]:
    """New names for input columns that would clash with added columns.

    Parameters
    ----------
    columns : iterable of str
        Column names of the input.
    added : sequence of str
        Names about to be added; the result columns when omitted.

    Returns
    -------
    dict of str to str
        Old name to ``"<name>_input"`` (``"<name>_input2"`` … when that is taken as well), for
        the clashing columns only; ready for ``LazyFrame.rename``.

    Examples
    --------
    >>> rename_clashing(["claim_id", "mdc", "drg"])
    {'mdc': 'mdc_input'}
    """
    names = list(columns)
    taken = set(names) | set(added)
    renamed: dict[str, str] = {}
    for name in names:
        if name not in added:
            continue
        candidate, turn = f"{name}_input", 2
        while candidate in taken:
            candidate, turn = f"{name}_input{turn}", turn + 1
        taken.add(candidate)
        renamed[name] = candidate
    return renamed
