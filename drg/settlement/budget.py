"""The global budget: two rounds up and two down (两上两下) as events, and the quotas they end in.

A table of events is only ever appended to. Each line of the budget (level, unit, insurance, year)
goes through the steps in order; what skips one is refused with its row. Quotas of hospitals add up
to their district's, those of districts to the city's, or nothing is paid by them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from drg.errors import DrgError
from drg.money import allocate, yuan

__all__ = [
    "ADJUSTMENT_REASONS",
    "LEVELS",
    "STEPS",
    "Budget",
    "BudgetError",
    "BudgetEvent",
    "BudgetLine",
]

#: From the top down; a reserve (预留) is a part of what stands above it that no hospital has.
LEVELS = ("city", "district", "hospital", "reserve", "community")
#: The steps of a line, and which may follow which.
STEPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": ("draft",),
        "draft": ("agency_measure",),
        "agency_measure": ("consultation",),
        "consultation": ("hospital_reply",),
        "hospital_reply": ("negotiated",),
        "negotiated": ("signed",),
        "signed": ("adjusted", "settled"),
        "adjusted": ("adjusted", "settled"),
        "settled": (),
    }
)
#: What a contract may be adjusted for in mid-year (national notice 18 of 2025).
ADJUSTMENT_REASONS = ("revenue", "visits", "benefit", "public_health")
_IN_FORCE = ("signed", "adjusted", "settled")
_MONTHS = tuple(f"{n:02}" for n in range(1, 13))
_QUARTERS = ("Q1", "Q2", "Q3", "Q4")
#: Level, unit, insurance, year.
Line: TypeAlias = tuple[str, str, str, int]
_ABOVE = {"district": ("city",), "hospital": ("district", "city"), "reserve": ("district", "city")}


class BudgetError(DrgError, ValueError):
    """A budget cannot be read, skips a step, or does not add up."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class BudgetEvent:
    """One step of one line.

    Attributes
    ----------
    level : str
        One of ``LEVELS``.
    unit : str
        Id of the city, district, hospital or medical community.
    insurance : str
        Code such as ``"310"``.
    year : int
    part : str
        ``""`` the year's quota; ``"Q1"`` … ``"Q4"``, ``"01"`` … ``"12"``: how it is split.
    step : str
        A key of ``STEPS``.
    amount : int or None
        Fen; None: the amount stands as it was.
    parent : str
        Unit above; ``""`` where only one can be meant.
    on : date or None
    reason, document : str
        Why a contract is adjusted (``ADJUSTMENT_REASONS``); the paper it stands on.
    row : int
        Row of the table, for errors; 0 where there is none.
    """

    level: str
    unit: str
    insurance: str
    year: int
    step: str
    amount: int | None = None
    part: str = ""
    parent: str = ""
    on: date | None = None
    reason: str = ""
    document: str = ""
    row: int = 0

    @property
    def line(self) -> Line:
        """Which line of the budget it belongs to."""
        return self.level, self.unit, self.insurance, self.year


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """What the events of a line have come to.

    Attributes
    ----------
    state : str
        The last step.
    amount : int or None
        The year's amount as last said, fen.
    parts : mapping of str to int
        Quotas of quarters or months.
    parent, document : str
        As last said.
    on : date or None
        Day of the last step that names one.
    """

    state: str = ""
    amount: int | None = None
    parts: Mapping[str, int] = field(default_factory=dict)
    parent: str = ""
    document: str = ""
    on: date | None = None

    @property
    def in_force(self) -> bool:
        """Whether the contract is signed."""
        return self.state in _IN_FORCE

    def after(self, event: BudgetEvent, where: str = "") -> BudgetLine:
        """The line one event later.

        Raises
        ------
        BudgetError
            P445 the step may not follow, P444 no or no known reason for an adjustment, no amount
            at signing, or a day before the one of the step before.
        """
        told = {"row": event.row or "—", "unit": event.unit}
        if event.part:
            allowed = self.state in ("signed", "adjusted") and event.step in ("signed", "adjusted")
        else:
            allowed = event.step in STEPS[self.state]
        if not allowed:
            wanted = STEPS[self.state] if not event.part else ("signed",)
            raise BudgetError(
                "P445", where=where, step=event.step, state=self.state or "—",
                wanted=", ".join(wanted) or "—", **told,
            )  # fmt: skip
        if event.step == "adjusted" and not event.part and event.reason not in ADJUSTMENT_REASONS:
            known = ", ".join(ADJUSTMENT_REASONS)
            raise _refused(where, event.row, "reason", event.reason, known)
        if event.on is not None and self.on is not None and event.on < self.on:
            raise _refused(where, event.row, "on", event.on.isoformat(), f">= {self.on}")
        amount = self.amount if event.amount is None else event.amount
        if event.step == "signed" and amount is None:
            raise _refused(where, event.row, "amount", "", "")
        parent, document = event.parent or self.parent, event.document or self.document
        state, parts = event.step, self.parts
        if event.part:
            if event.amount is None:
                raise _refused(where, event.row, "amount", "", "")
            # Splitting the contract's amount is no step of its own.
            state, amount, parts = self.state, self.amount, {**parts, event.part: event.amount}
        return BudgetLine(state, amount, parts, parent, document, event.on or self.on)

    def quota(self, part: str = "") -> int:
        """Quota of the year or of a part of it, fen.

        What is not split in the contract is split evenly by months, the odd fen from January on.
        """
        year = self.amount or 0
        if not part:
            return year
        if part in self.parts:
            return self.parts[part]
        months = allocate(year, dict.fromkeys(_MONTHS, 1)) | {
            key: amount for key, amount in self.parts.items() if not key.startswith("Q")
        }
        if part.startswith("Q"):
            return sum(months[key] for key in _months_of(part))
        quarter = f"Q{(int(part) + 2) // 3}"
        if quarter in self.parts:
            return allocate(self.parts[quarter], dict.fromkeys(_months_of(quarter), 1))[part]
        return months[part]


def _months_of(quarter: str) -> list[str]:
    first = int(quarter[1]) * 3 - 2
    return [f"{n:02}" for n in range(first, first + 3)]


def _refused(where: str, row: int, column: str, value: str, known: str) -> BudgetError:
    return BudgetError(
        "P444", where=where, row=row or "—", column=column, value=value, known=known or "—"
    )


class Budget:
    """Events of a budget and the lines they make.

    Parameters
    ----------
    events : iterable of BudgetEvent
        In the order they happened.
    where : str, optional
        File named in errors.

    Attributes
    ----------
    events : tuple of BudgetEvent
    lines : mapping of (level, unit, insurance, year) to BudgetLine

    Raises
    ------
    BudgetError
        P444, P445: an event is refused, with its row.
    """

    def __init__(self, events: Iterable[BudgetEvent], *, where: str = "") -> None:
        self.where = where
        self.events = tuple(events)
        lines: dict[Line, BudgetLine] = {}
        for event in self.events:
            lines[event.line] = lines.get(event.line, BudgetLine()).after(event, where)
        self.lines: Mapping[Line, BudgetLine] = MappingProxyType(lines)

    def record(self, event: BudgetEvent) -> Budget:
        """The budget with one event more; this one stays as it is."""
        return Budget((*self.events, event), where=self.where)

    def quota(
        self, unit: str, insurance: str, year: int, part: str = "", *, level: str = "hospital"
    ) -> int | None:
        """Quota of a unit, fen; None: the budget has no line for it.

        Parameters
        ----------
        part : str, optional
            ``""`` the year, ``"Q2"`` a quarter, ``"06"`` a month.

        Raises
        ------
        BudgetError
            P447: there is a line, and it is not signed yet.
        """
        line = self.lines.get((level, unit, insurance, year))
        if line is None:
            return None
        if not line.in_force:
            raise BudgetError(
                "P447", where=self.where, unit=unit, insurance=insurance, year=year,
                state=line.state,
            )  # fmt: skip
        return line.quota(part)

    def total(self, insurance: str, year: int) -> int | None:
        """The region's budget: of the city, else of the districts, else of the hospitals."""
        for levels in (("city",), ("district",), ("hospital", "reserve")):
            found = [
                self.quota(unit, insurance, year, level=level)
                for level, unit, of, when in self.lines
                if level in levels and of == insurance and when == year
            ]
            if found:
                return sum(amount or 0 for amount in found)
        return None

    def allocatable(self, insurance: str, year: int) -> int | None:
        """The region's budget without its reserves: what prices may spend."""
        whole = self.total(insurance, year)
        if whole is None:
            return None
        kept = [
            self.quota(unit, insurance, year, level=level)
            for level, unit, of, when in self.lines
            if level == "reserve" and of == insurance and when == year
        ]
        return whole - sum(amount or 0 for amount in kept)

    def insurances(self, year: int) -> tuple[str, ...]:
        """Insurances that have a line in a year, sorted."""
        return tuple(sorted({key[2] for key in self.lines if key[3] == year}))

    def check(self) -> None:
        """Hold parts against years, hospitals against districts, districts against the city.

        Only lines whose contract is signed count, and only where the unit above has one too.

        Raises
        ------
        BudgetError
            P446: one error that names every sum, what it should be and the difference.
        """
        wrong = [*self._parts(), *self._sums()]
        if wrong:
            raise BudgetError("P446", where=self.where, sums="; ".join(map(str, wrong)))

    def _parts(self) -> Iterator[_Sum]:
        """Years whose quarters, or months, are not all given or do not add up."""
        for (_, unit, insurance, year), line in self.lines.items():
            for keys in (_QUARTERS, _MONTHS):
                given = [key for key in keys if key in line.parts]
                found = sum(line.parts[key] for key in given)
                if given and (found != line.amount or len(given) < len(keys)):
                    name = f"{unit} {insurance} {year} {'+'.join(given)}"
                    yield _Sum(name, found, line.amount or 0)

    def _sums(self) -> Iterator[_Sum]:
        """Units whose parts do not add up to them."""
        below: dict[Line, int] = {}
        for key, line in self.lines.items():
            above = self._above(key, line.parent) if line.in_force else None
            if above is not None:
                below[above] = below.get(above, 0) + (line.amount or 0)
        for key, found in sorted(below.items()):
            parent = self.lines[key]
            if parent.in_force and found != parent.amount:
                yield _Sum(f"{key[1]} {key[2]} {key[3]}", found, parent.amount or 0)

    def _above(self, line: Line, parent: str) -> Line | None:
        """The line that a line is a part of; None: the budget has none above it."""
        level, unit, *rest = line
        above = [
            [key for key in self.lines if key[0] == upper and [*key[2:]] == rest]
            for upper in _ABOVE.get(level, ())
        ]
        known = [key for keys in above for key in keys]
        if parent:
            found = [key for key in known if key[1] == parent]
        else:
            found = next((keys for keys in above if keys), [])
        if known and len(found) != 1:
            raise _refused(self.where, 0, "parent", f"{unit}: {parent}", _listed(known))
        return found[0] if found else None


def _listed(lines: Iterable[Line]) -> str:
    return ", ".join(sorted({unit for _, unit, *_ in lines}))


class _Sum(NamedTuple):
    """A sum that is not what it should be, fen."""

    name: str
    found: int
    wanted: int

    def __str__(self) -> str:
        return (
            f"{self.name}: {yuan(self.found)} ≠ {yuan(self.wanted)}"
            f" ({yuan(self.found - self.wanted)})"
        )
