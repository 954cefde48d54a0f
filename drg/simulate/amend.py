"""A change put into a checked policy, copy-on-write.

Only the models along the path are copied; every other part, row and table is the same object. What
is changed goes through the policy's own types and validators again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, ValidationError

from drg.errors import DrgError
from drg.money import round_scaled, yuan
from drg.payment.policy import BedDay, PointValueRow, Policy
from drg.payment.policy.drafted import plain_values
from drg.payment.policy.errors import SupplyError, near, pydantic_error
from drg.payment.policy.paths import bare_type, inner_type, is_money
from drg.payment.policy.read import SECTIONS, Draft
from drg.payment.policy.supply import ROWS, TABLES, supply_numbers
from drg.payment.pricing.levels import level_of
from drg.payment.weight_table import insurance_code
from drg.simulate.change import Change, WhatIfError

__all__ = ["amended"]

#: Decimal places of ratios, as ``drg.payment.policy.numbers`` reads them.
_PLACES = 6
_BED_DAYS = tuple[BedDay, ...]
#: What decides no price of a claim: what a month pays out, what a year clears.
_AFTERWARDS = (
    ("budget",), ("month",), ("year",), ("community",),
    ("drg", "rate_mode"), ("drg", "float_cap"), ("drg", "base_weights"), ("dip", "value_mode"),
)  # fmt: skip
_SCOPE = ("insurance", "hospital_level", "hospital", "group", "category")
_NAMED = 4

M = TypeVar("M", bound=BaseModel)


def amended(policy: Policy, change: Change) -> Policy:
    """A policy with one change; digest, documents and open numbers are still those of before.

    Parameters
    ----------
    policy : Policy
    change : Change

    Raises
    ------
    WhatIfError
        G422 there is no number to change, G423 the rows of a path are for narrower scopes, G424
        nothing that prices a claim.
    PolicyError, SupplyError
        P461-P476: no such path, or a value that the policy cannot have.
    TableError, InputError
        A table file cannot be used.
    """
    path = tuple(change.path.split("."))
    if path[0] not in SECTIONS:
        raise SupplyError("P476", where=str(change), path=change.path,
                          near=near(path[0], SECTIONS))  # fmt: skip
    if any(path[: len(start)] == start for start in _AFTERWARDS):
        raise WhatIfError("G424", where=str(change), path=change.path)
    if getattr(policy, path[0]) in (None, ()):
        raise WhatIfError("G422", where=str(change), path=change.path)
    return _Amendment(policy, change, path).of(policy, 0)


class _Amendment:
    """One change on its way down a policy."""

    def __init__(self, policy: Policy, change: Change, path: tuple[str, ...]) -> None:
        self.change, self.path, self.where = change, path, str(change)
        self._bed_days = [entry.id for entry in policy.bed_day]

    def of(self, owner: M, depth: int) -> M:
        """A model with the change in it."""
        name, rest = self.path[depth], self.path[depth + 1 :]
        annotation = inner_type(type(owner), name)
        if annotation is None:
            raise self._unknown(name, [*type(owner).model_fields])
        kind, value = bare_type(annotation), getattr(owner, name)
        if kind == _BED_DAYS:
            return owner.model_copy(update={name: self._bed_day(value, depth + 1)})
        if rest and isinstance(kind, type) and issubclass(kind, BaseModel):
            if value is not None:
                made: Any = self.of(value, depth + 1)
            else:
                made = self._given(depth + 1)
            return self._checked(owner, name, made, depth)
        if self.change.how == "set":
            return self._checked(owner, name, self._put(value, annotation, depth + 1), depth)
        return self._checked(owner, name, self._moved(value, annotation, depth + 1), depth)

    def _bed_day(self, entries: tuple[BedDay, ...], depth: int) -> tuple[BedDay, ...]:
        name = self.path[depth] if len(self.path) > depth else ""
        if name not in self._bed_days or len(self.path) == depth + 1:
            raise self._unknown(name, self._bed_days)
        return tuple(self.of(entry, depth + 1) if entry.id == name else entry for entry in entries)

    # ---- put in place

    def _put(self, value: Any, annotation: Any, depth: int) -> Any:
        """What stands at a path once the text of the change is put there."""
        rest = self.path[depth:]
        kind = bare_type(annotation)
        row = inner_type(kind, "") if get_origin(kind) is tuple else None
        if (place := self._place(row, value, rest)) is not None:
            one = self._checked(value[place], rest[1], self.change.value, depth)
            return [*value[:place], one, *value[place + 1 :]]
        given = self._given(depth)
        if row in ROWS and Path(self.change.value).suffix.lower() not in TABLES:
            keys = ROWS[row][0]
            scope = dict(zip(keys, rest, strict=False))
            return self._replaced(value, keys, scope, given[0])
        if get_origin(kind) is Mapping and rest:
            return {**_written(annotation, value), **given}
        return given

    def _replaced(
        self, rows: Sequence[Any], keys: Sequence[str], scope: Mapping[str, str], given: Any
    ) -> list[Any]:
        """Rows with the one given instead of those of exactly its scope."""
        fitting = [n for n, row in enumerate(rows) if _fits(row, scope)]
        others = [key for key in _SCOPE if key not in scope]
        exact = [n for n in fitting if not any(getattr(rows[n], k, "") for k in others)]
        if fitting and not exact:
            raise self._of_rows("G423", [(n, rows[n]) for n in fitting], keys, len(scope))
        # At the end, as ``--set`` puts it: one policy, one digest.
        return [*(row for n, row in enumerate(rows) if n not in exact), given]

    def _given(self, depth: int) -> Any:
        """The text of the change as plain values for what stands at this depth of the path."""
        tree: dict[str, Any] = {"bed_day": {name: {} for name in self._bed_days}}
        draft = Draft(Path(self.where), {}, tree)
        try:
            supply_numbers(draft, {self.change.path: self.change.value})
        except DrgError as error:
            if error.where != "--set":
                raise
            raise type(error)(error.code, where=self.where, **error.params) from None
        node: Any = draft.tree
        for part in self.path[:depth]:
            node = node[part]
        return plain_values(node, self.path[:depth])

    # ---- changed where it stands

    def _moved(self, value: Any, annotation: Any, depth: int) -> Any:
        """What stands at a path once every number below it is changed."""
        rest = self.path[depth:]
        kind = bare_type(annotation)
        row = inner_type(kind, "") if get_origin(kind) is tuple else None
        if value in (None, (), {}):
            raise self._no_number()
        if row in ROWS:
            keys, number = ROWS[row]
            place = self._place(row, value, rest)
            if place is None and len(rest) > len(keys):
                raise self._unknown(".".join(rest), list(keys))
            scope = dict(zip(keys, rest, strict=False))
            fitting = [n for n, one in enumerate(value) if _fits(one, scope)]
            if place is not None:
                if rest[1] != number:
                    raise self._no_number()
                fitting = [place]
            if not fitting:
                raise self._of_rows("G434", [*enumerate(value)], keys, len(rest))
            inner, exact = inner_type(row, number), row is PointValueRow
            rows = list(value)
            for n in fitting:
                moved = self._number(getattr(rows[n], number), inner, exact)
                rows[n] = self._checked(rows[n], number, moved, depth)
            return rows
        if get_origin(kind) is Mapping:
            inner, key = inner_type(kind, ""), ".".join(rest)
            if rest and key not in value:
                raise self._unknown(key, [*value])
            told = _written(annotation, value)
            changed = [key] if rest else list(value)
            return {**told, **{k: self._number(value[k], inner) for k in changed}}
        if rest:
            raise self._unknown(".".join(rest), ())
        return self._number(value, annotation)

    def _number(self, value: Any, annotation: Any, exact: bool = False) -> Any:
        """One number after a relative change, rounded once as numbers of its kind are."""
        if isinstance(value, bool) or not isinstance(value, int | Fraction):
            raise self._no_number()
        money, by = is_money(annotation), self.change.number
        if self.change.how == "percent":
            found = value * (1 + by / 100)
        elif self.change.how == "times":
            found = value * by
        else:
            found = value + by * (100 if money else 1)
        if isinstance(value, int):
            whole = round_scaled(Fraction(found), 0)
            return yuan(whole) if money else whole
        return found if exact else Fraction(round_scaled(found, _PLACES), 10**_PLACES)

    # ---- held to the policy's types

    def _checked(self, owner: M, name: str, value: Any, depth: int) -> M:
        """A model with another value of one field; all others are the very objects it has."""
        if isinstance(owner, Policy):
            return owner.model_copy(update={name: value})
        kind = type(owner)
        others = {
            field: _written(inner_type(kind, field), getattr(owner, field))
            for field in kind.model_fields
            if field != name
        }
        try:
            made = kind.model_validate({**others, name: value})
        except ValidationError as error:
            first = error.errors()[0]
            at = (*self.path[:depth], *(str(part) for part in first["loc"]))
            raise pydantic_error(first, at, [*kind.model_fields], self.where, False) from None
        return owner.model_copy(update={name: getattr(made, name)})

    def _place(self, row: Any, rows: Sequence[Any], rest: Sequence[str]) -> int | None:
        """Place of a row that a path names as ``drg policies show`` does: ``drg.rates.0.rate``."""
        if row not in ROWS or len(rest) != 2 or not rest[0].isdecimal():
            return None
        if rest[1] not in row.model_fields:
            return None
        if int(rest[0]) >= len(rows):
            raise self._unknown(rest[0], [str(n) for n in range(len(rows))])
        return int(rest[0])

    def _unknown(self, name: str, known: Sequence[str]) -> SupplyError:
        shown = near(name, known)
        return SupplyError("P476", where=self.where, path=self.change.path, near=shown)

    def _no_number(self) -> WhatIfError:
        return WhatIfError("G422", where=self.where, path=self.change.path)

    def _of_rows(
        self, code: str, rows: Sequence[tuple[int, Any]], keys: Sequence[str], below: int
    ) -> WhatIfError:
        """An error that names rows of a list; the path goes so many parts ``below`` it."""
        start = ".".join(self.path[: len(self.path) - below])
        named = [f"{start}.{_named(row, keys, n)}" for n, row in rows[:_NAMED]]
        shown = ", ".join([*named, *(["…"] if len(rows) > _NAMED else [])])
        return WhatIfError(code, where=self.where, path=self.change.path, rows=shown)


def _written(annotation: Any, value: Any) -> Any:
    """A value as its type reads it: amounts in yuan, everything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and is_money(annotation):
        return yuan(value)
    if isinstance(value, Mapping) and is_money(inner_type(annotation, "")):
        return {key: yuan(amount) for key, amount in value.items()}
    return value


def _fits(row: Any, scope: Mapping[str, str]) -> bool:
    """Whether a row is for a scope or for a narrower one."""
    return all(
        _key(key, getattr(row, key)) == _key(key, wanted) for key, wanted in scope.items() if wanted
    )


def _named(row: Any, keys: Sequence[str], place: int) -> str:
    """How a path goes on to a row: by its scope, or by its place where that does not say all."""
    number = ROWS[type(row)][1]
    others = [key for key in _SCOPE if key not in keys and getattr(row, key, None)]
    scope = [getattr(row, key) for key in keys]
    while scope and not scope[-1]:
        scope.pop()
    if others or not scope or not all(scope):
        return f"{place}.{number}"
    return ".".join(scope)


def _key(name: str, text: str) -> str:
    if name == "insurance":
        return insurance_code(text)
    return level_of(text) if name == "hospital_level" else text.strip()
