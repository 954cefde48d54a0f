"""What a reformed policy changes: every number, from what to what, and where it now stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel

from drg.dates import Interval
from drg.payment.policy import Policy, Provenance
from drg.payment.policy.paths import value_at, written
from drg.payment.policy.read import SECTIONS
from drg.payment.policy.supply import ROWS

__all__ = ["NOTHING", "Amended", "differences", "reformed_provenance"]

#: In place of a value that is not there.
NOTHING = "—"
_Path = tuple[str, ...]


class Amended(NamedTuple):
    """One number of a policy that a reform changes.

    Attributes
    ----------
    path : str
        Rows by their scope: ``"drg.rates.310.三级"``.
    before, after : str
        As the policy's file writes them; ``NOTHING``: it is not there.
    """

    path: str
    before: str
    after: str


class _Spot(NamedTuple):
    """A value that differs: how it is told, and where it stands on either side."""

    shown: _Path
    before: _Path | None
    after: _Path | None


def differences(before: Policy, after: Policy) -> tuple[Amended, ...]:
    """Every number in which two policies differ, in the order of the policy.

    Titles, notes, documents and dates do not count.
    """
    return tuple(
        Amended(
            ".".join(part for part in spot.shown if part),
            _told(before, spot.before),
            _told(after, spot.after),
        )
        for spot in _spots(before, after)
    )


def _told(policy: Policy, path: _Path | None) -> str:
    return NOTHING if path is None or value_at(policy, path) is None else written(policy, path)


def reformed_provenance(before: Policy, after: Policy, label: str) -> dict[str, Provenance]:
    """Where each number of a reformed policy stands; what it changes has the status ``supplied``.

    Parameters
    ----------
    before, after : Policy
        ``after`` shares with ``before`` what it does not change.
    label : str
        Of the reform: the note of its numbers.
    """
    found = dict(before.provenance)
    for path, old, new in _lists(before, after, ()):
        prefix = ".".join(path)
        told = {key: found.pop(key) for key in [*found] if key.startswith(f"{prefix}.")}
        found.pop(prefix, None)
        places = {id(row): n for n, row in enumerate(old)}
        for n, row in enumerate(new):
            if (place := places.get(id(row))) is not None:
                start = f"{prefix}.{place}"
                found |= {
                    f"{prefix}.{n}{key[len(start) :]}": entry
                    for key, entry in told.items()
                    if key == start or key.startswith(f"{start}.")
                }
    by_reform = Provenance(source="", status="supplied", note=label)
    for spot in _spots(before, after):
        if spot.after is not None:
            found[".".join(spot.after)] = by_reform
        elif spot.before is not None and not _in_list(before, spot.before):
            found.pop(".".join(spot.before), None)
    return found


def _spots(before: Policy, after: Policy) -> Iterator[_Spot]:
    for name in SECTIONS:
        one, other = getattr(before, name), getattr(after, name)
        yield from _compared(one, other, _Spot((name,), (name,), (name,)))


def _compared(one: Any, other: Any, spot: _Spot) -> Iterator[_Spot]:
    """Where two values of one path part."""
    if one is other:
        return
    if isinstance(one, BaseModel) and isinstance(other, BaseModel):
        for name in type(one).model_fields:
            yield from _compared(getattr(one, name), getattr(other, name), _below(spot, name, name))
    elif isinstance(one, BaseModel) or isinstance(other, BaseModel):
        # A section that was not there: each number that it now has.
        there = one if isinstance(one, BaseModel) else other
        blank = {name: f.get_default(call_default_factory=True)
                 for name, f in type(there).model_fields.items()}  # fmt: skip
        for name in type(there).model_fields:
            value, inner = getattr(there, name), _below(spot, name, name)
            if value != blank[name]:
                sides = (inner.before, None) if there is one else (None, inner.after)
                yield _Spot(inner.shown, *sides)
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in {**one, **other}:
            if one.get(key) != other.get(key):
                yield _sided(_below(spot, key, key), key in one, key in other)
    elif _has_models(one) or _has_models(other):
        yield from _rows(one, other, spot)
    elif one != other:
        yield spot


def _rows(one: Sequence[Any], other: Sequence[Any], spot: _Spot) -> Iterator[_Spot]:
    sides = [{_label(row, n): (n, row) for n, row in enumerate(rows)} for rows in (one, other)]
    for label in {**sides[0], **sides[1]}:
        was, now = sides[0].get(label), sides[1].get(label)
        if was is not None and now is not None:
            inner = _below(spot, label, str(was[0]), str(now[0]))
            yield from _numbers(was[1], now[1], inner)
        else:
            place = was or now
            assert place is not None
            inner = _below(spot, label, str(place[0]))
            name = _number(place[1])
            if name:
                inner = _below(inner, "", name)
            yield _sided(inner, was is not None, now is not None)


def _numbers(was: Any, now: Any, spot: _Spot) -> Iterator[_Spot]:
    """Two rows of one scope: their number goes without its name."""
    name = _number(was)
    for field in type(was).model_fields:
        shown = "" if field == name else field
        inner = _Spot(
            (*spot.shown, shown),
            None if spot.before is None else (*spot.before, field),
            None if spot.after is None else (*spot.after, field),
        )
        yield from _compared(getattr(was, field), getattr(now, field), inner)


def _number(row: Any) -> str:
    return ROWS[type(row)][1] if type(row) in ROWS else ""


def _label(row: Any, place: int) -> str:
    """What tells a row from the others of its list."""
    if (name := getattr(row, "id", "")) or type(row) not in ROWS:
        return str(name) if name else str(place)
    scope = [
        getattr(row, key) for key in type(row).model_fields
        if key not in ("in_force", "from_day", "to_day", _number(row)) and getattr(row, key)
    ]  # fmt: skip
    if hasattr(row, "from_day") and (row.from_day, row.to_day) != (1, None):
        scope.append(f"{row.from_day}-{row.to_day or ''}")
    if row.in_force != Interval():
        scope.append(str(row.in_force))
    return ".".join(scope)


def _below(spot: _Spot, shown: str, before: str, after: str | None = None) -> _Spot:
    return _Spot(
        (*spot.shown, shown),
        None if spot.before is None else (*spot.before, before),
        None if spot.after is None else (*spot.after, before if after is None else after),
    )


def _sided(spot: _Spot, before: bool, after: bool) -> _Spot:
    return _Spot(spot.shown, spot.before if before else None, spot.after if after else None)


def _has_models(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(row, BaseModel) for row in value)


def _lists(one: Any, other: Any, path: _Path) -> Iterator[tuple[_Path, Any, Any]]:
    """Lists of rows that are not the same object on both sides."""
    if one is other or one is None or other is None:
        return
    if isinstance(one, Policy):
        for name in SECTIONS:
            yield from _lists(getattr(one, name), getattr(other, name), (name,))
    elif isinstance(one, BaseModel):
        for name in type(one).model_fields:
            yield from _lists(getattr(one, name), getattr(other, name), (*path, name))
    elif _has_models(one) and hasattr(one[0], "id"):
        for was, now in zip(one, other, strict=True):
            yield from _lists(was, now, (*path, was.id))
    elif _has_models(one) or _has_models(other):
        yield path, one, other


def _in_list(policy: Policy, path: _Path) -> bool:
    """Whether a path goes through a list of rows, whose documents are sorted out row by row."""
    return any(part.isdecimal() for part in path)
