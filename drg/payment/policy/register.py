"""Dated files by place, ``<place>/<year>.toml``: found by id, place or path, merged, validated.

Payment policies and plans of benefits are registers of this kind; each brings its folder, its
shape, its builder and its own errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from drg.dates import Interval, Month
from drg.paths import tables_root
from drg.payment.policy.errors import PolicyError, near
from drg.payment.policy.model import Sourced
from drg.payment.policy.read import Draft, Shape, merged, read_draft
from drg.payment.policy.supply import supply_numbers

__all__ = ["Codes", "Register"]

#: A chain of files that extend each other is no longer than this.
_DEEPEST = 4
_SUFFIX = ".toml"
#: Status of dates that no document gives: such a file is never chosen by day.
_UNKNOWN = "unknown"

S = TypeVar("S", bound=Sourced)


class Codes(NamedTuple):
    """Codes of what may be wrong with a register, as its reader should be told."""

    unknown: str
    overlap: str
    none_in_force: str
    not_in_force: str
    circle: str
    misnamed: str
    several: str


@dataclass(frozen=True)
class Register(Generic[S]):
    """A folder of ``tables/`` whose files are of one kind.

    Attributes
    ----------
    name : str
        Folder under ``tables/``.
    kind : type
        What a file becomes.
    shape : Shape
    build : callable
        Draft to the validated whole.
    codes : Codes
    fill : callable, optional
        What is done to a draft before it is merged, such as reading its tables.
    """

    name: str
    kind: type[S]
    shape: Shape
    build: Callable[[Draft], S]
    codes: Codes
    fill: Callable[[Draft], None] | None = None

    def load(
        self, wanted: str | Path, supply: Mapping[str, str] | None, on: Month | date | None
    ) -> S:
        """One file, whole and checked.

        Parameters
        ----------
        wanted : str or Path
            Id, place or path of a TOML file.
        supply : mapping of str to str or None
            Path of a number to its text.
        on : Month, date or None
            What it must be in force over.

        Raises
        ------
        PolicyError, SupplyError, TableError
        """
        days = None if on is None else _days(on)
        file = self._file(wanted, days, on)
        draft = self._draft(file, ())
        supply_numbers(draft, supply or {}, self.kind, self.shape.sections)
        made = self.build(draft)
        if days is not None and not _covers(made.in_force, days):
            code = self.codes.not_in_force
            raise PolicyError(code, where=str(file), id=made.id, on=on, in_force=made.in_force)
        return made

    def all(self) -> tuple[S, ...]:
        """Every file of the folder, by place and date.

        Raises
        ------
        PolicyError
            Two of a place hold for one insurance on one day; and what ``load`` raises.
        """
        found = sorted(
            (self.build(self._draft(path, ())) for path in self._shipped()),
            key=lambda made: (made.place, made.in_force.texts, made.id),
        )
        for first, second in combinations(found, 2):
            if first.place == second.place and first.in_force.overlaps(second.in_force):
                both = set(first.insurances) & set(second.insurances)
                if both or not (first.insurances and second.insurances):
                    where = str(self._folder() / first.place)
                    raise PolicyError(self.codes.overlap, where=where, place=first.place,
                                      first=first.id, second=second.id)  # fmt: skip
        return tuple(found)

    def _folder(self) -> Path:
        return tables_root() / self.name

    def _shipped(self) -> list[Path]:
        return sorted(self._folder().glob(f"*/*{_SUFFIX}"))

    def _file(self, wanted: str | Path, days: Interval | None, on: Month | date | None) -> Path:
        text = str(wanted)
        if text.lower().endswith(_SUFFIX):
            return Path(wanted)
        ids = {_id(path): path for path in self._shipped()}
        if text in ids:
            return ids[text]
        shipped = self.all()
        for made in shipped:
            if text in (f"{name}-{ids[made.id].stem}" for name in made.also):
                return ids[made.id]
        versions = [made for made in shipped if text in (made.place, made.place_zh, *made.also)]
        if not versions:
            known = [*ids, *sorted({path.parent.name for path in ids.values()})]
            where = str(self._folder())
            raise PolicyError(self.codes.unknown, where=where, id=text, near=near(text, known))
        if days is None:
            if len(versions) == 1:
                return ids[versions[0].id]
            raise self._several(text, versions)
        dated = [made for made in versions if made.in_force_status != _UNKNOWN]
        there = [made for made in dated if _covers(made.in_force, days)]
        if len(there) > 1:
            raise self._several(text, there)
        if not there:
            listed = ", ".join(f"{made.id} {made.in_force}" for made in versions)
            raise PolicyError(self.codes.none_in_force, where=text, on=on, known=listed)
        return ids[there[0].id]

    def _several(self, wanted: str, found: Sequence[S]) -> PolicyError:
        ids = ", ".join(made.id for made in found)
        return PolicyError(self.codes.several, where=wanted, ids=ids)

    def _draft(self, file: Path, below: Sequence[Path]) -> Draft:
        """A file's tree with what it extends underneath."""
        draft = read_draft(file, self.shape)
        if self.fill is not None:
            self.fill(draft)
        draft.header.setdefault("id", file.stem)
        shipped = file.resolve().is_relative_to(self._folder().resolve())
        if shipped and draft.header["id"] != _id(file):
            raise PolicyError(self.codes.misnamed, where=str(file), id=draft.header["id"],
                              wanted=_id(file))  # fmt: skip
        base = draft.header.pop("extends", "")
        if not base:
            return draft
        path = file.parent / base if str(base).endswith(_SUFFIX) else None
        if path is None:
            ids = {_id(p): p for p in self._shipped()}
            if base not in ids:
                raise PolicyError(self.codes.unknown, where=str(file), id=base,
                                  near=near(str(base), [*ids]))  # fmt: skip
            path = ids[base]
        if path in (file, *below) or len(below) >= _DEEPEST:
            raise PolicyError(self.codes.circle, where=str(file), id=base)
        return merged(self._draft(path, (*below, file)), draft)


def _id(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def _days(on: Month | date) -> Interval:
    return on.days if isinstance(on, Month) else Interval(on, on + timedelta(days=1))


def _covers(outer: Interval, inner: Interval) -> bool:
    """Whether every day of an interval lies in another."""
    return (outer.start is None or (inner.start is not None and outer.start <= inner.start)) and (
        outer.end is None or (inner.end is not None and inner.end <= outer.end)
    )
