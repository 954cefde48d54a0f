"""One settlement list as one claim: canonical columns, charges by class, what is wrong in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from drg.claims.frame import COLUMN, PRICING_NAMES, SEPARATOR
from drg.claims.interface.dictionaries import translate, translation
from drg.claims.interface.durations import read_duration, read_minute, whole_hours
from drg.claims.interface.fields import fields
from drg.claims.interface.scalars import Faults, Read, amount, reader_of, scalar
from drg.claims.interface.tables import interface_folder
from drg.claims.list_columns import ITEM_NAMES, LIST_NAMES

__all__ = ["CLASS_AMOUNTS", "FAULTS", "ITEM_COLUMNS", "ListReader", "ListRow",
           "list_reader"]  # fmt: skip

#: Column of what could not be read: ``F171 age; F172 vent_used_dura``.
FAULTS = "list_faults"
#: Parts of a class of charges, and the columns of items that hold them.
CLASS_AMOUNTS = {
    "claa_sumfee": "class_a_amount", "clab_amt": "class_b_amount",
    "fulamt_ownpay_amt": "own_amount", "oth_amt": "other_amount",
}  # fmt: skip
ITEM_COLUMNS = (*ITEM_NAMES, *CLASS_AMOUNTS.values())

_WESTERN_NOT = ("2", "3")
_YES, _PRINCIPAL = "1", "1"
#: Kinds of charges that have a column of their own.
_KINDS = ("drug", "consumable", "test", "service")
_WORKED_OUT = (
    "vent_duration", "from_emergency", "icu_hours", *(f"{kind}_cost" for kind in _KINDS),
    "total_cost", "patient_paid",
)  # fmt: skip


class ListRow(NamedTuple):
    """What a list says.

    Attributes
    ----------
    values : dict
        Column to text; diagnoses and procedures are lists.
    items : list of dict
        One row a class of charges.
    faults : list of (code, field)
    """

    values: dict[str, Any]
    items: list[dict[str, str | None]]
    faults: Faults


def _columns() -> tuple[str, ...]:
    """Columns of a frame of lists: those of a claim first, then what else the list tells."""
    fed = {field.canonical for field in fields() if field.canonical} | {*_WORKED_OUT}
    known = [*COLUMN, *PRICING_NAMES, *LIST_NAMES]
    own = [f.canonical for f in fields() if f.canonical and f.reading != "item"]
    return (
        *(n for n in known if n in fed),
        *dict.fromkeys(n for n in own if n not in known),
        FAULTS,
    )


def list_reader() -> ListReader:
    """The reader of lists as ``tables/interface`` describes them, made once."""
    return _reader(interface_folder())


@cache
def _reader(folder: Path) -> ListReader:
    return ListReader()


class ListReader:
    """Reads lists; made from the table of fields."""

    def __init__(self) -> None:
        self.columns = _columns()
        self._setlinfo: list[tuple[str, str, Read]] = []
        self._readers: dict[tuple[str, str], Read] = {}
        for field in fields():
            read = reader_of(field)
            self._readers[field.node, field.field] = read
            if field.node == "setlinfo" and field.canonical:
                self._setlinfo.append((field.field, field.canonical, read))
        self._kind_of_class = translation("med_chrgitm", "cost")

    def row(self, nodes: Mapping[str, Any]) -> ListRow:
        """Read one list.

        Parameters
        ----------
        nodes : mapping
            ``setlinfo`` an object, the other nodes lists of objects, absent ones left out.
        """
        faults: Faults = []
        setlinfo = nodes["setlinfo"]
        found: dict[str, Any] = {}
        for name, column, read in self._setlinfo:
            if (value := setlinfo.get(name)) is not None and found.get(column) is None:
                found[column] = read(value, faults)
        if found.get("patient_id") is None:
            found["patient_id"] = found.get("insured_no")  # 4101 has no number of the person
        found["vent_duration"] = scalar(setlinfo.get("vent_used_dura"), "vent_used_dura", [])
        if (route := found.get("admission_route")) is not None:
            found["from_emergency"] = translate("adm_way", route, to="from_emergency")
        self._diagnoses(nodes.get("diseinfo"), found, faults)
        self._procedures(nodes.get("oprninfo"), found, faults)
        self._intensive_care(nodes.get("icuinfo"), found, faults)
        items = self._items(nodes.get("iteminfo"), found, faults)
        self._payments(nodes.get("payinfo"), found, faults)
        told = dict.fromkeys(f"{code} {name}" for code, name in faults)
        found[FAULTS] = "; ".join(told) or None
        return ListRow(found, items, faults)

    def _values(
        self, node: str, name: str, entries: Sequence[Mapping[str, Any]], faults: Faults
    ) -> list[str | None]:
        read = self._readers[node, name]
        found = [entry.get(name) for entry in entries]
        return [None if value is None else read(value, faults) for value in found]

    def _diagnoses(
        self, entries: Sequence[Mapping[str, Any]] | None, found: dict[str, Any], faults: Faults
    ) -> None:
        if not entries:
            return
        kinds = self._values("diseinfo", "diag_type", entries, faults)
        western = [e for e, kind in zip(entries, kinds, strict=True) if kind not in _WESTERN_NOT]
        codes = self._values("diseinfo", "diag_code", western, faults)
        states = self._values("diseinfo", "adm_cond_type", western, faults)
        flags = self._values("diseinfo", "maindiag_flag", western, faults)
        order = list(range(len(western)))
        principal = [n for n in order if flags[n] == _YES]
        if principal:
            order.remove(principal[0])
            order.insert(0, principal[0])
            if len(principal) > 1:
                faults.append(("F176", "maindiag_flag"))
        listed = _codes([codes[n] for n in order], "diag_code", faults)
        conditions = [states[n] or "" for n in order]
        if not principal and any(flag is not None for flag in flags):
            # The hospital says of every diagnosis that it is not the principal one.
            faults.append(("F175", "maindiag_flag"))
            listed, conditions = ["", *listed], ["", *conditions]
        if any(listed):
            found["diagnoses"] = listed
        found["conditions_at_admission"] = _joined(conditions, "adm_cond_type", faults)

    def _procedures(
        self, entries: Sequence[Mapping[str, Any]] | None, found: dict[str, Any], faults: Faults
    ) -> None:
        if not entries:
            return
        kinds = self._values("oprninfo", "oprn_oprt_type", entries, faults)
        order = sorted(range(len(entries)), key=lambda n: kinds[n] != _PRINCIPAL)
        codes = self._values("oprninfo", "oprn_oprt_code", entries, faults)
        days = self._values("oprninfo", "oprn_oprt_date", entries, faults)
        begun = self._values("oprninfo", "oprn_oprt_begntime", entries, faults)
        if any(codes):
            found["procedures"] = _codes([codes[n] for n in order], "oprn_oprt_code", faults)
        dates = [days[n] or begun[n] or "" for n in order]
        found["procedure_dates"] = _joined(dates, "oprn_oprt_date", faults)

    def _intensive_care(
        self, entries: Sequence[Mapping[str, Any]] | None, found: dict[str, Any], faults: Faults
    ) -> None:
        if entries is None:
            return
        name = "scs_cutd_sum_dura"
        entered = self._values("icuinfo", "scs_cutd_inpool_time", entries, faults)
        left = self._values("icuinfo", "scs_cutd_exit_time", entries, faults)
        told = [scalar(entry.get(name), name, faults) for entry in entries]
        minutes: int | None = 0
        for start, end, duration in zip(entered, left, told, strict=True):
            stay = _between(start, end)
            if stay is None and duration is not None:
                stay = read_duration(duration)
            if stay is None or stay < 0:
                faults.append(("F174", "icuinfo"))
                minutes = None
            elif minutes is not None:
                minutes += stay
        found["icu_hours"] = None if minutes is None else str(whole_hours(minutes))
        found["icu_from"] = _joined([text or "" for text in entered], "icuinfo", faults)
        found["icu_to"] = _joined([text or "" for text in left], "icuinfo", faults)

    def _items(
        self, entries: Sequence[Mapping[str, Any]] | None, found: dict[str, Any], faults: Faults
    ) -> list[dict[str, str | None]]:
        if not entries:
            return []
        classes = self._values("iteminfo", "med_chrgitm", entries, faults)
        amounts = self._values("iteminfo", "amt", entries, faults)
        parts = {n: self._values("iteminfo", n, entries, faults) for n in CLASS_AMOUNTS}
        rows: list[dict[str, str | None]] = []
        for n, (name, told) in enumerate(zip(classes, amounts, strict=True)):
            own = {column: parts[part][n] for part, column in CLASS_AMOUNTS.items()}
            rows.append(
                {"claim_id": found.get("claim_id"), "fee_class": name, "amount": told, **own}
            )
        sizes = [amount(text) for text in amounts]
        complete = [size for size in sizes if size is not None]
        if len(complete) < len(sizes):
            faults.append(("F177", "amt"))
            return rows
        found["item_total"] = _yuan(sum(complete, Decimal()))
        if found.get("total_cost") is None:
            found["total_cost"] = found["item_total"]
        by_kind = dict.fromkeys(_KINDS, Decimal())
        for name, size in zip(classes, complete, strict=True):
            kind = self._kind_of_class.get(name or "")
            if kind is None:
                return rows  # a charge of no known class could be of any kind
            if kind in by_kind:
                by_kind[kind] += size
        found |= {f"{kind}_cost": _yuan(size) for kind, size in by_kind.items()}
        self._classes(rows, complete, found)
        return rows

    def _classes(
        self, rows: list[dict[str, str | None]], sizes: list[Decimal], found: dict[str, Any]
    ) -> None:
        """Sums of class A, class B and own expense, where the parts of each charge add up."""
        sums = dict.fromkeys(CLASS_AMOUNTS.values(), Decimal())
        for row, size in zip(rows, sizes, strict=True):
            given = {column: amount(row[column]) for column in sums}
            # A part left empty is none of the charge if the others make up the whole of it.
            if sum((part or Decimal() for part in given.values()), Decimal()) != size:
                return
            for column, part in given.items():
                sums[column] += part or 0
        for column, canonical in (
            ("class_a_amount", "class_a_cost"), ("class_b_amount", "class_b_cost"),
            ("own_amount", "fully_self_paid"),
        ):  # fmt: skip
            if found.get(canonical) is None:
                found[canonical] = _yuan(sums[column])

    def _payments(
        self, entries: Sequence[Mapping[str, Any]] | None, found: dict[str, Any], faults: Faults
    ) -> None:
        if entries and found.get("fund_paid") is None:
            self._values("payinfo", "fund_pay_type", entries, faults)
            paid = [amount(t) for t in self._values("payinfo", "fund_payamt", entries, faults)]
            if all(size is not None for size in paid):
                found["fund_paid"] = _yuan(sum((size or Decimal() for size in paid), Decimal()))
        if found.get("patient_paid") is None:
            own = [amount(found.get(name)) for name in ("self_paid", "own_paid")]
            if all(size is not None for size in own):
                found["patient_paid"] = _yuan(sum((size or Decimal() for size in own), Decimal()))


def _codes(texts: list[str | None], name: str, faults: Faults) -> list[str]:
    """Codes in their order; one that holds the separator would be two in a joined cell."""
    if any(text and SEPARATOR in text for text in texts):
        faults.append(("F170", name))
    return [(text or "").replace(SEPARATOR, "/") for text in texts]


def _joined(texts: list[str], name: str, faults: Faults) -> str | None:
    """Values of a stay in one cell; null when all are empty."""
    if any(SEPARATOR in text for text in texts):
        faults.append(("F170", name))
        texts = [text.replace(SEPARATOR, "/") for text in texts]
    return SEPARATOR.join(texts) if any(texts) else None


def _between(start: str | None, end: str | None) -> int | None:
    """Minutes between two moments; null where one is not told."""
    if start is None or end is None:
        return None
    begun, ended = read_minute(start), read_minute(end)
    return None if begun is None or ended is None else ended - begun


def _yuan(size: Decimal) -> str:
    """An amount in yuan with two places, more where it has more."""
    exponent = size.as_tuple().exponent
    cents = size if isinstance(exponent, int) and exponent < -2 else size.quantize(Decimal("0.01"))
    return f"{cents:f}"
