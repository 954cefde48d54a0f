"""The alternatives of one case, in clinical and recorded order, never by payment.

Only what the record holds is tried by itself; a code or a value that it does not hold is tried
where the user names it. What would be the same as another is left out, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drg.simulate.answer import Change, ScenarioKind
from drg.simulate.corrections import Value, cell_text, column_title, read_value, same_value
from drg.simulate.record import Kind, Record
from drg.text import text

if TYPE_CHECKING:
    from drg.claims.model import Claim

__all__ = ["Alternative", "Alternatives", "BaseCase", "Wanted", "say"]

#: Names a code of a kind: (kind, code as written) to its name, ``""`` where it is unknown.
Namer = Callable[[Kind, str], str]
_COLUMNS: Mapping[Kind, str] = {"dx": "diagnoses", "px": "procedures"}


def say(key: str, lang: str | None = None, /, **params: object) -> str:
    """One wording of simulate.toml."""
    return text(f"simulate.{key}", lang, **params)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which alternatives of a case are asked for.

    Attributes
    ----------
    principals, principal_procedures, drops : bool
        Each recorded diagnosis as the principal one, each recorded procedure likewise, each
        recorded code dropped. No other code is ever tried.
    add_diagnoses, add_procedures : tuple of str
        Codes that the user says belong to the record; each is one scenario.
    corrections : mapping of str to str
        Canonical column to the value the user says is right (``age``, ``birth_weight_g``,
        ``disposition``, ``los_days``, ``total_cost`` …); each is one scenario; ``""``: not
        reported.
    """

    principals: bool = True
    principal_procedures: bool = True
    drops: bool = True
    add_diagnoses: tuple[str, ...] = ()
    add_procedures: tuple[str, ...] = ()
    corrections: Mapping[str, str] = field(default_factory=dict)


class BaseCase(NamedTuple):
    """A case as it stands.

    Attributes
    ----------
    claim : Claim
        What grouping reads of it.
    cells : mapping of str to object
        Its other canonical columns as the file has them, and those of the claim.
    """

    claim: Claim
    cells: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Alternative:
    """One changed case.

    Attributes
    ----------
    kind, label, changes
        As of a ``Scenario``.
    claim : Claim
        The changed case, as grouping reads it.
    cells : mapping of str to value
        Canonical columns, codes apart, that differ from the case as it stands.
    """

    kind: ScenarioKind
    label: str
    changes: tuple[Change, ...]
    claim: Claim
    cells: Mapping[str, Value]


class Alternatives:
    """What of one case is tried, and what is left out.

    Parameters
    ----------
    base : BaseCase
    wanted : Wanted
    name : callable
        Names codes.
    lang : {"zh", "en"} or None

    Raises
    ------
    SimulateError
        G401, G402: a corrected value cannot be read, or its column cannot be corrected.

    Attributes
    ----------
    tried : tuple of Alternative
    left_out : tuple of str
        In words.
    """

    def __init__(self, base: BaseCase, wanted: Wanted, name: Namer, lang: str | None) -> None:
        self._base, self._name, self._lang = base, name, lang
        self._left: list[str] = []
        dx, px = (self._record(kind) for kind in ("dx", "px"))
        found: list[Alternative] = []
        if wanted.principals:
            found += self._principals(dx)
        if wanted.principal_procedures:
            found += self._principals(px)
        if wanted.drops:
            found += [*self._drops(dx), *self._drops(px)]
        found += self._additions(dx, wanted.add_diagnoses)
        found += self._additions(px, wanted.add_procedures)
        found += self._corrections(wanted.corrections)
        self.tried = tuple(found)
        self.left_out = tuple(self._left)

    def _record(self, kind: Kind) -> Record:
        claim, cells = self._base
        entries = claim.diagnoses if kind == "dx" else claim.procedures
        beside, counted = Record.columns(kind)
        return Record.of(kind, entries, cells.get(beside), cells.get(counted))

    def _principals(self, record: Record) -> Iterator[Alternative]:
        first = record.codes[:1] if record.principal else ()
        seen = {code.strip() for code in first}
        for place, code in enumerate(record.codes[len(first) :], start=len(first)):
            if code.strip() in seen:
                self._leave("left_repeated", record.kind, code)
                continue
            seen.add(code.strip())
            kind: ScenarioKind = (
                "principal_diagnosis" if record.kind == "dx" else "principal_procedure"
            )
            before = self._named(record.kind, first[0]) if first else ""
            yield self._changed(kind, record, record.led_by(place), before, code, code)

    def _drops(self, record: Record) -> Iterator[Alternative]:
        kind: ScenarioKind = "drop_diagnosis" if record.kind == "dx" else "drop_procedure"
        for code in dict.fromkeys(code.strip() for code in record.codes):
            before = self._named(record.kind, code)
            yield self._changed(kind, record, record.without(code), before, "", code)

    def _additions(self, record: Record, codes: tuple[str, ...]) -> Iterator[Alternative]:
        kind: ScenarioKind = "add_diagnosis" if record.kind == "dx" else "add_procedure"
        recorded = {code.strip() for code in record.codes}
        asked: set[str] = set()
        for code in map(str.strip, codes):
            if not code or code in asked:
                continue
            asked.add(code)
            if code in recorded:
                self._leave("left_recorded", record.kind, code)
                continue
            yield self._changed(kind, record, record.with_added(code), "", code, code)

    def _corrections(self, corrections: Mapping[str, str]) -> Iterator[Alternative]:
        claim, cells = self._base
        for name, written in corrections.items():
            value = read_value(name, written)
            title = column_title(name, self._lang)
            cell = cells.get(name)
            if same_value(name, cell, value):
                shown = cell_text(value) or say("not_reported", self._lang)
                self._left.append(say("left_same", self._lang, field=title, value=shown))
                continue
            before, after = cell_text(cell), cell_text(value)
            none = say("not_reported", self._lang)
            label = say(
                "label_correct", self._lang, field=title, before=before or none, after=after or none
            )
            change = Change(field=name, title=title, before=before, after=after)
            known = name in type(claim).model_fields
            other = claim.model_copy(update={name: value}) if known else claim
            yield Alternative("correct", label, (change,), other, {name: value})

    def _changed(
        self, kind: ScenarioKind, old: Record, new: Record, before: str, after: str, code: str
    ) -> Alternative:
        """An alternative with other codes of one kind, and what stands beside them."""
        lang, column = self._lang, _COLUMNS[old.kind]
        gone = new.codes[:1] != old.codes[:1] and kind.startswith("drop") and old.principal
        place = "" if not gone else "_principal" if new.codes else "_only"
        label = say(f"label_{kind}{place}", lang, code=self._named(old.kind, code))
        role = "principal" if kind.startswith("principal") else "code"
        title = say(f"title_{role}_{old.kind}", lang)
        shown = self._named(old.kind, after) if after else ""
        change = Change(field=column, title=title, before=before, after=shown)
        cells = {name: value for name, value in new.cells.items() if old.cells.get(name) != value}
        fields = type(self._base.claim).model_fields
        update = {name: value for name, value in cells.items() if name in fields}
        claim = self._base.claim.model_copy(update={column: new.entries, **update})
        return Alternative(kind, label, (change,), claim, cells)

    def _leave(self, key: str, kind: Kind, code: str) -> None:
        words = say(key, self._lang, kind=say(f"kind_{kind}", self._lang), code=code.strip())
        if words not in self._left:
            self._left.append(words)

    def _named(self, kind: Kind, code: str) -> str:
        return f"{code.strip()} {self._name(kind, code)}".rstrip()
