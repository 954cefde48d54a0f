"""One inpatient claim as an immutable, validated record; its JSON Schema is the service's.

Only the shape is checked here. Whether an age or a code makes sense is judged by the checks of
a scheme, so that the trouble becomes a reason on the claim and not an exception.
Importing this module does not import polars.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from drg.claims.frame import BLANKS, COLUMN, SEPARATOR

__all__ = ["Claim", "Day", "Whole", "normalise_sex"]

#: A text that pydantic would take for a number.
_DIGITS = re.compile(r"\s*[+-]?[0-9_.]+\s*")
_SEX = {
    "1": "M", "2": "F", "1.0": "M", "2.0": "F", "m": "M", "f": "F", "男": "M", "女": "F",
    "male": "M", "female": "F", "男性": "M", "女性": "F",
}  # fmt: skip


def normalise_sex(value: str) -> str:
    """``"M"`` or ``"F"`` for a recognised spelling; other text comes back as it is.

    ``1.0`` and ``2.0`` are what a column of numbers with gaps writes for 1 and 2.
    """
    return _SEX.get(value.strip(BLANKS).lower(), value)


def _field(name: str, default: object = None) -> Any:
    column = COLUMN[name]
    unit = f" Unit or values: {column.unit}." if column.unit else ""
    null = "" if column.kind == "codes" else f" Null: {column.null}."
    return Field(default, title=column.title_zh, description=f"{column.meaning}{unit}{null}")


def _no_flag(value: object) -> object:
    """Refuse true and false where a number is wanted: pydantic would read them as 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "a whole number is wanted, not true or false")
    return value


def _no_number(value: object) -> object:
    """Refuse a number where a day is wanted: pydantic would count it as seconds from 1970."""
    digits = isinstance(value, str) and _DIGITS.fullmatch(value)
    if digits or isinstance(value, int | float):
        raise PydanticCustomError("date_type", "a day such as 2024-06-30 is wanted, not a number")
    return value


#: A whole number, as a number or as text; a day, as a day or as text.
Whole = Annotated[int, BeforeValidator(_no_flag)]
Day = Annotated[datetime.date, BeforeValidator(_no_number)]


class Claim(BaseModel):
    """One claim; fields, units and the meaning of null as in ``drg.claims.frame.COLUMNS``.

    Raises
    ------
    pydantic.ValidationError
        A field is unknown, or a number or date cannot be read.

    Examples
    --------
    >>> claim = Claim(claim_id="A1", sex="女", age=67, diagnoses=["I21.001", "E11.900"])
    >>> claim.sex, claim.diagnoses, claim.procedures
    ('F', ('I21.001', 'E11.900'), ())
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, title="住院病例"
    )

    claim_id: str = _field("claim_id", "")
    hospital_id: str | None = _field("hospital_id")
    patient_id: str | None = _field("patient_id")
    department: str | None = _field("department")
    insurance: str | None = _field("insurance")
    sex: str | None = _field("sex")
    age: Whole | None = _field("age")
    age_days: Whole | None = _field("age_days")
    birth_weight_g: Whole | None = _field("birth_weight_g")
    admission_weight_g: Whole | None = _field("admission_weight_g")
    admitted_on: Day | None = _field("admitted_on")
    discharged_on: Day | None = _field("discharged_on")
    los_days: Whole | None = _field("los_days")
    icu_hours: Whole | None = _field("icu_hours")
    ventilation_hours: Whole | None = _field("ventilation_hours")
    disposition: str | None = _field("disposition")
    diagnoses: tuple[str, ...] = _field("diagnoses", ())
    procedures: tuple[str, ...] = _field("procedures", ())
    total_cost: str | None = _field("total_cost")
    patient_paid: str | None = _field("patient_paid")
    new_technology_cost: str | None = _field("new_technology_cost")

    @field_validator("sex", mode="after")
    @classmethod
    def _recognise_sex(cls, value: str | None) -> str | None:
        return None if value is None else normalise_sex(value)

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> Claim:
        """Claim of one row of the canonical frame.

        Parameters
        ----------
        row : mapping of str to object
            Canonical column to value, as from ``DataFrame.iter_rows(named=True)``. Other
            columns are left aside. An empty text counts as null. ``diagnoses`` and
            ``procedures`` may be sequences or text joined by ``|``; empty entries are dropped,
            except that an empty first diagnosis stays: it is a missing principal diagnosis.

        Raises
        ------
        pydantic.ValidationError
            A number or a date cannot be read.
        """
        values: dict[str, object] = {}
        for name, value in row.items():
            column = COLUMN.get(name)
            if column is None or value is None:
                continue
            if column.kind == "codes":
                values[name] = _codes(value, keep_first=name == "diagnoses")
            elif not isinstance(value, str) or column.kind == "str":
                if value != "":
                    values[name] = value
            elif text := value.strip():
                values[name] = text
        return cls.model_validate(values)


def _codes(value: object, *, keep_first: bool) -> tuple[str, ...]:
    """Code entries in order; a null entry counts as an empty one."""
    if isinstance(value, str):
        parts: list[str] = value.split(SEPARATOR) if value else []
    elif isinstance(value, Iterable):
        parts = ["" if part is None else str(part) for part in value]
    else:
        raise TypeError(f"codes must be a sequence or text, not {type(value).__name__}")
    kept = tuple(part for i, part in enumerate(parts) if part.strip() or (keep_first and i == 0))
    return kept if any(part.strip() for part in kept) else ()
