"""Scalar fields of one claim as the kernel's int32: the single-claim twin of ``encode``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from drg.claims.frame import BLANKS
from drg.schemes.rules import CHOICE_FIELDS
from grouper_core import FIELD_INVALID, FIELD_NULL

if TYPE_CHECKING:
    from drg.claims.model import Claim

#: Rule field -> canonical column, where the two names differ.
COLUMN_OF_FIELD = {
    "weight": "birth_weight_g",
    "admission_weight": "admission_weight_g",
    "los": "los_days",
}
#: Every spelling of a sex (lower case) and the kernel's value.
SEX_VALUES = {
    "m": 1, "1": 1, "1.0": 1, "男": 1, "male": 1, "男性": 1,
    "f": 2, "2": 2, "2.0": 2, "女": 2, "female": 2, "女性": 2,
}  # fmt: skip
#: How spreadsheets and float columns write a whole number.
WHOLE_NUMBER = r"^([+-]?\d+)\.0*$"
TOP = 2**31 - 1


def reader_of(field: str, choices: Sequence[str]) -> Callable[[Claim], int]:
    """A function that reads one rule field off a claim.

    Parameters
    ----------
    field : str
        Rule field (``drg.schemes.rules.SCALAR_FIELDS``).
    choices : sequence of str
        Values of a choice field that the scheme names; value ``i`` is coded ``i + 1``.
    """
    name = COLUMN_OF_FIELD.get(field, field)
    if field == "sex":
        return _sex
    if field in CHOICE_FIELDS:
        values = {value: n + 1 for n, value in enumerate(choices)}
        whole_number = re.compile(WHOLE_NUMBER)

        def choice(claim: Claim) -> int:
            text = getattr(claim, name)
            text = whole_number.sub(r"\1", text.strip(BLANKS)) if text else ""
            return values.get(text, 0) if text else FIELD_NULL

        return choice

    def number(claim: Claim) -> int:
        value = getattr(claim, name)
        if value is None:
            return FIELD_NULL
        return value if FIELD_INVALID < value <= TOP else FIELD_INVALID

    return number


def _sex(claim: Claim) -> int:
    sex = claim.sex
    if sex == "M":
        return 1
    if sex == "F":
        return 2
    clean = sex.strip(BLANKS).lower() if sex else ""
    return SEX_VALUES.get(clean, FIELD_INVALID) if clean else FIELD_NULL
