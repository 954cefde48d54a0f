"""Claims as the integers that figures are sums of: one narrow column a measure, null: not told.

A file that lacks a column lacks its measures; a run of several files has a measure as soon as one
of them does. Texts that tell claims apart become numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from drg.claims.named import Named
from drg.claims.typed import Amounts, ClaimArrays, folded
from drg.money import PLACES
from drg.payment.weight_table import insurance_code
from drg.reports.kpi.report import DIMENSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from drg.claims.profiles import ClaimColumns
    from drg.reports.kpi.catalog import Parameters

    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["COST_LIMIT", "Facts", "FactsReader"]

#: A cost from here on (fen) is no cost: sums of squares are made of halves of it.
COST_LIMIT = 2**42
#: More days than any stay has: a slip of typing.
_DAYS_LIMIT = 2**16
_SURGICAL = frozenset("ABCDEFGHIJ")
_DIED = "5"
#: Codes of routes (drg.payment.pricing.price_columns.Route): paid by disease; and those that were
#: eligible and left that way.
_BY_DISEASE = "P520"
_LEFT_DISEASE = frozenset({"P521", "P522", "P523", "P524"})
_REVIEWED = frozenset({"REVIEW_BY_ITEM", "REVIEW_ADJUSTED"})
_HIGH, _LOW = frozenset({"ULTRA_HIGH", "EXTREME"}), frozenset({"ULTRA_LOW"})
#: Measures that are amounts as the claim reports them.
_AMOUNTS = {
    "booked": "fund_paid", "fund": "fund_paid", "own": "fully_self_paid",
    "first": "first_self_paid", "drug": "drug_cost", "consumable": "consumable_cost",
    "test": "test_cost", "service": "service_cost",
}  # fmt: skip
#: Measures that a settled claim has in fen.
_SETTLED = {"standard": "standard_fen", "price": "price_fen", "paid": "fund_fen"}
#: Dimensions and the fields of a claim that feed them.
_FIELDS = {"hospital": "hospital_id", "department": "department", "doctor": "doctor"}
_EPOCH_YEAR = 1970


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Claims of a run.

    Attributes
    ----------
    frame : DataFrame
        The dimensions' columns (UInt32, places in ``names``) and one column a measure.
    names : mapping of dimension to list of str
        ``""`` is what is not reported.
    group_names : mapping of str to str
    told : frozenset of str
        Dimensions that some file reports at all.
    system : str
        ``drg``, ``dip``, ``both`` or ``""``.
    """

    frame: pl.DataFrame
    names: Mapping[str, list[str]]
    group_names: Mapping[str, str]
    told: frozenset[str]
    system: str

    def has(self, measure: str) -> bool:
        """Whether any file has the measure."""
        return measure in self.frame.columns


class _Numbers:
    """Texts of a dimension as numbers that hold over all files."""

    def __init__(self) -> None:
        self.names: list[str] = [""]
        self._place = {"": 0}

    def number(self, named: Named) -> NDArray[np.uint32]:
        slots = np.zeros(len(named.names) + 1, np.uint32)
        for at, name in enumerate(named.names):
            slots[at] = self._place.setdefault(name, len(self._place))
            if len(self._place) > len(self.names):
                self.names.append(name)
        found: NDArray[np.uint32] = slots[named.codes]
        return found


class FactsReader:
    """Collects the facts of claim frames, file by file.

    Parameters
    ----------
    parameters : Parameters
    findings : mapping of str to (hits, unknown), optional
        By measure (``decomposed``, ``low_standard``): ids of claims that an audit hit, and of
        those it could not assess.
    """

    def __init__(
        self,
        parameters: Parameters,
        findings: Mapping[str, tuple[pl.Series, pl.Series]] | None = None,
    ) -> None:
        self._parameters = parameters
        self._findings = findings or {}
        self._numbers = {dimension: _Numbers() for dimension in DIMENSIONS}
        self._told: set[str] = set()
        self._group_names: dict[str, str] = {}
        self._parts: list[pl.DataFrame] = []
        self.rows = 0

    def add(self, frame: pl.DataFrame, columns: ClaimColumns, period: str | None = None) -> None:
        """Add grouped or settled claims.

        Parameters
        ----------
        frame : DataFrame
            What a grouper or a settlement gives.
        columns : ClaimColumns
        period : str, optional
            Month of all its claims; that of each one's discharge when omitted.
        """
        claims = ClaimArrays(frame, columns)
        self.rows += claims.rows
        held = _Measures(claims, self._parameters)
        for measure, (hits, unknown) in self._findings.items():
            held.found(measure, hits, unknown)
        dimensions = {
            name: pl.Series(name, self._numbers[name].number(named))
            for name, named in self._dimensions(claims, period).items()
        }
        self._name_groups(claims)
        self._parts.append(pl.DataFrame({**dimensions, **held.read()}))

    def finish(self) -> Facts:
        """All claims that were added."""
        frame = pl.concat(self._parts, how="diagonal") if self._parts else pl.DataFrame()
        self._parts = []
        by_weight, by_score = "rw" in frame.columns, "score" in frame.columns
        both = "both" if by_weight and by_score else ""
        return Facts(
            frame=frame,
            names={name: numbers.names for name, numbers in self._numbers.items()},
            group_names=self._group_names,
            told=frozenset(self._told),
            system=both or ("drg" if by_weight else "dip" if by_score else ""),
        )

    def _dimensions(self, claims: ClaimArrays, period: str | None) -> dict[str, Named]:
        found = {name: claims.texts(field) for name, field in _FIELDS.items()}
        found["period"] = _periods(claims, period)
        found["insurance"] = claims.texts("insurance", insurance_code)
        found["group"] = claims.result("group")
        self._told |= {name for name, named in found.items() if named.names}
        return {name: found[name] for name in DIMENSIONS}

    def _name_groups(self, claims: ClaimArrays) -> None:
        codes, names = claims.result("group"), claims.result("group_name")
        pairs = pl.DataFrame({"group": codes.codes, "name": names.codes}).unique("group")
        for group, name in pairs.iter_rows():
            if group < len(codes.names) and name < len(names.names):
                self._group_names.setdefault(codes.names[group], names.names[name])


def _periods(claims: ClaimArrays, period: str | None) -> Named:
    if period is not None:
        return Named((period,), np.zeros(claims.rows, np.uint32))
    days, given = claims.days("discharged_on")
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    there, places = np.unique(months[given], return_inverse=True)
    codes = np.full(claims.rows, len(there), np.uint32)
    codes[given] = places
    names = (f"{_EPOCH_YEAR + int(month) // 12}-{int(month) % 12 + 1:02d}" for month in there)
    return Named(tuple(names), codes)


class _Measures:
    """The measures of one frame."""

    def __init__(self, claims: ClaimArrays, parameters: Parameters) -> None:
        self.claims = claims
        self.parameters = parameters
        self.read_: dict[str, pl.Series] = {}

    def read(self) -> dict[str, pl.Series]:
        """All that the frame has."""
        self._outcomes()
        self._worth()
        self._amounts()
        self._stays()
        self._settled()
        return self.read_

    def found(self, measure: str, hits: pl.Series, unknown: pl.Series) -> None:
        """What an audit found, by the ids of claims."""
        ids = self.claims.ids
        there = ids.is_not_null().to_numpy()
        given = there & ~ids.is_in(unknown.implode()).fill_null(True).to_numpy()
        self._flag(measure, ids.is_in(hits.implode()).fill_null(False).to_numpy(), given)

    def _flag(self, name: str, values: Flags, given: Flags | None = None) -> None:
        series = pl.Series(name, values.astype(np.int8))
        if given is not None and not given.all():
            series = series.set(pl.Series(~given), None)
        self.read_[name] = series

    def _whole(self, name: str, values: Ints, given: Flags, told: bool | None = None) -> None:
        """A measure, if any claim tells it; ``told`` where that is known from more claims."""
        if given.any() if told is None else told:
            series = pl.Series(name, values)
            self.read_[name] = series if given.all() else series.set(pl.Series(~given), None)

    def _column(self, name: str) -> pl.Series | None:
        """A column that grouping or settlement added, unless the file's profile has it."""
        there = name in self.claims.frame.columns
        own = name in self.claims.columns.scalars.values()
        return self.claims.frame[name] if there and not own else None

    def _outcomes(self) -> None:
        outcome = self.claims.result("outcome")
        if not outcome.names:
            return
        given = ~outcome.missing
        for name, code in (
            ("grouped", "GROUPED"), ("ambiguous", "AMBIGUOUS"), ("ungroupable", "UNGROUPABLE"),
            ("rejected", "REJECTED"),
        ):  # fmt: skip
            self._flag(name, outcome.marked(code.__eq__), given)
        group_class = self.claims.result("group_class")
        if group_class.names:
            known = ~group_class.missing
            self._flag("core", group_class.marked(_starts("core.")), known)
            self._flag("comprehensive", group_class.marked(_starts("comprehensive.")), known)
            self._flag("surgical", group_class.marked(_ends(".surgery")), known)
        elif (adrg := self.claims.result("adrg")).names:
            surgical = adrg.marked(lambda name: name[1:2] in _SURGICAL)
            self._flag("surgical", surgical, ~adrg.missing)

    def _worth(self) -> None:
        grouped = self.claims.result("outcome").marked("GROUPED".__eq__)
        names = {"rw": ("weight",), "score": ("group_score", "score")}
        for measure, columns in names.items():
            for column in columns:
                series = self._column(column)
                if series is not None and measure not in self.read_:
                    values, given = _ten_thousandths(series)
                    self._whole(measure, values, given & grouped, bool(given.any()))
        if (points := self._column("points")) is not None:
            self._whole("points", *_ten_thousandths(points))
        if (rw := self.read_.get("rw")) is not None:
            high = self.parameters.high_weight * 10**PLACES
            self.read_["high_rw"] = (rw * high.denominator >= high.numerator).cast(pl.Int8)

    def _amounts(self) -> None:
        settled = self._column("cost_fen"), self._column("patient_fen")
        for measure, field, known in (
            ("cost", "total_cost", settled[0]), ("patient", "patient_paid", settled[1]),
        ):  # fmt: skip
            if known is not None:
                self._whole(measure, *_plain(known))
            amounts = self.claims.money(field)
            if measure not in self.read_:
                given = amounts.given
                if measure == "cost":
                    given = given & (np.abs(amounts.fen) < COST_LIMIT)
                self._whole(measure, amounts.fen, given)
        for measure, field in _AMOUNTS.items():
            if field in self.claims.columns.scalars:
                self._whole(measure, *self.claims.money(field))
        for measure, column in _SETTLED.items():
            if (series := self._column(column)) is not None:
                self._whole(measure, *_plain(series))
        if "standard" in self.read_ and "cost" in self.read_:
            standard, cost = self.read_["standard"], self.read_["cost"]
            self.read_["in_surplus"] = (standard > cost).cast(pl.Int8)
            self.read_["in_deficit"] = (standard < cost).cast(pl.Int8)

    def _stays(self) -> None:
        claims = self.claims
        days = claims.numbers("los_days")
        days = Amounts(days.fen, days.given & (days.fen >= 0) & (days.fen < _DAYS_LIMIT))
        self._whole("los", *days)
        if days.given.any():
            self._flag("long_stay", days.fen > self.parameters.long_stay_days, days.given)
        self._texts("died", "disposition", _DIED.__eq__)
        self._texts("level4", "surgery_level", "4".__eq__)
        if "level4" in self.read_:
            self._flag("operated", np.ones(claims.rows, np.bool_),
                       self.read_["level4"].is_not_null().to_numpy())  # fmt: skip
        if "hospital_infection" in claims.columns.scalars:
            yes, told = claims.yes("hospital_infection")
            if told.any():
                self._flag("infected", yes, told)
        self._texts("uploaded", "list_status", frozenset("123").__contains__)
        self._texts("passed", "list_status", "2".__eq__)
        if "uploaded" in self.read_:
            self.read_["discharges"] = (self.read_["uploaded"] >= 0).cast(pl.Int8)
        self._followed()

    def _texts(self, measure: str, field: str, test: Callable[[str], object]) -> None:
        named = self.claims.texts(field, folded)
        if named.names:
            self._flag(measure, named.marked(test), ~named.missing)

    def _followed(self) -> None:
        """What readmissions are seen by: the person, and the days of the stay."""
        patients = self.claims.patients
        admitted, discharged = self.claims.days("admitted_on"), self.claims.days("discharged_on")
        given = patients.is_not_null().to_numpy() & admitted[1] & discharged[1]
        # A stay that ends before it begins cannot be followed, nor follow.
        given &= admitted[0] <= discharged[0]
        if given.any():
            self.read_["patient_id"] = patients.set(pl.Series(~given), None)
            self.read_["admitted_on"] = pl.Series(admitted[0])
            self.read_["discharged_on"] = pl.Series(discharged[0])

    def _settled(self) -> None:
        route, branch = self.claims.result("route"), self.claims.result("branch")
        case_class = self.claims.result("case_class")
        if route.names:
            by = route.marked(_BY_DISEASE.__eq__)
            self._flag("by_disease", by)
            self._flag("eligible_disease", by | route.marked(_LEFT_DISEASE.__contains__))
        if branch.names:
            reviewed = branch.marked(_REVIEWED.__contains__)
            self._flag("reviewed", reviewed, ~branch.missing)
            if "price" in self.read_ and "standard" in self.read_:
                extra = self.read_["price"] - self.read_["standard"]
                extra = extra.set(pl.Series(~reviewed), 0)
                self.read_["review_extra"] = extra.set(pl.Series(branch.missing), None)
        if case_class.names:
            self._flag("high_class", case_class.marked(_HIGH.__contains__), ~case_class.missing)
            self._flag("low_class", case_class.marked(_LOW.__contains__), ~case_class.missing)


def _starts(start: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(start)


def _ends(end: str) -> Callable[[str], bool]:
    return lambda name: name.endswith(end)


def _ten_thousandths(series: pl.Series) -> tuple[Ints, Flags]:
    """Decimals (or their text) as integers scaled 10⁴, and where they can be read."""
    exact = series.cast(pl.Decimal(38, PLACES), strict=False)
    return _plain(pl.select((pl.lit(exact) * 10**PLACES).cast(pl.Int64)).to_series())


def _plain(series: pl.Series) -> tuple[Ints, Flags]:
    whole = series.cast(pl.Int64, strict=False)
    return whole.fill_null(0).to_numpy(), whole.is_not_null().to_numpy()


def texts_of(names: Sequence[str], codes: NDArray[Any]) -> pl.Series:
    """The names at these places."""
    return pl.Series(names, dtype=pl.String).gather(pl.Series(codes.astype(np.uint32)))
