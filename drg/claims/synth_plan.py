"""From a scheme to what the generator draws from: code pools and one plan per way into a group.

A plan is one alternative of one ADRG rule behind its MDC's door: which pool the principal
diagnosis comes from, which procedures and further diagnoses it needs, and its bounds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import polars as pl

from drg.claims import synth_rules
from drg.claims.synth_codes import Codes, Ids, Pools
from drg.claims.synth_rules import Need
from drg.claims.synth_tables import KINDS, Parameters, share_of

#: Most procedures, and most further diagnoses, that a plan prescribes.
MOST_NEEDED = 4
MOST_FURTHER = 3
#: Ways into one ADRG rule that are kept: body sites of multiple trauma make nine.
_MOST_WAYS = 9


class MdcLike(Protocol):
    """An MDC row of a scheme."""

    @property
    def mdc(self) -> str: ...
    @property
    def rule(self) -> Any: ...


class AdrgLike(Protocol):
    """An ADRG row of a scheme, in decision order."""

    @property
    def mdc(self) -> str: ...
    @property
    def adrg(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def rule(self) -> Any: ...


class DrgLike(Protocol):
    """A DRG test of an ADRG."""

    @property
    def drg(self) -> str: ...
    @property
    def rule(self) -> Any: ...


class SchemeLike(Protocol):
    """What the generator reads of a scheme (``drg.schemes.scheme.Scheme`` has it all)."""

    @property
    def mdcs(self) -> Sequence[MdcLike]: ...
    @property
    def adrgs(self) -> Sequence[AdrgLike]: ...
    def drgs_of(self, adrg: Any, /) -> Sequence[DrgLike]: ...
    @property
    def code_sets(self) -> Mapping[str, frozenset[str]]: ...
    @property
    def trauma_site(self) -> Mapping[str, str]: ...
    @property
    def severity(self) -> Mapping[str, tuple[str, str]]: ...
    @property
    def exclusion(self) -> Mapping[str, str]: ...
    @property
    def known_dx(self) -> frozenset[str]: ...
    @property
    def known_px(self) -> frozenset[str]: ...
    @property
    def dx_names(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """One way into one group; pools are numbers of ``Pools``."""

    adrg: AdrgLike | None
    mdc: str
    kind: str
    principal: int
    procedures: tuple[int, ...] = ()
    diagnoses: tuple[int, ...] = ()
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    share: float = 0.0


class Planner:
    """Makes the plans of one scheme."""

    def __init__(
        self, scheme: SchemeLike, codes: Codes, pools: Pools, parameters: Parameters
    ) -> None:
        self.scheme, self.codes, self.pools = scheme, codes, pools
        self.settings = parameters.settings
        self.mix = {r["mdc"]: r for r in parameters.case_mix.iter_rows(named=True)}
        self.doors = {m.mdc: m.rule for m in scheme.mdcs}
        #: What the names of ADRGs are made of, and what of it the name of a diagnosis has.
        self._asked = frozenset().union(*(_parts_of(row.name) for row in scheme.adrgs))
        self._parts: dict[int, frozenset[str]] = {}
        #: Some diagnoses: where among them each part of a name occurs.
        self._places: dict[bytes, dict[str, list[int]]] = {}
        self._inline: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}
        self.listed = frozenset().union(*(self.mdc_list(m.mdc) for m in scheme.mdcs))
        sexed = [m for m, r in self.mix.items() if r["female"] in (0, 1) or r["patient"]]
        #: Diagnoses that fit some patients only: other MDCs draw none of them freely.
        self.bound = frozenset().union(*(self._own(m) for m in sexed))
        self._sex_by_list()
        #: Diagnoses that some rule looks for behind the principal one.
        self.sought = frozenset().union(*self._sought())
        self.ruled_px = frozenset().union(*(self._px_of(a.rule) for a in scheme.adrgs))
        self.first_px = frozenset().union(
            *(self._px_of(a.rule) for a in scheme.adrgs if not self.mdc_list(a.mdc))
        )
        self.grey = scheme.code_sets.get("GREY.dx", frozenset())
        self.general = self.listed - self.bound - self.sought - self.grey

    def lookup(self, atom: Any) -> frozenset[str]:
        """Codes that a code test lists."""
        if atom.name:
            return self.scheme.code_sets.get(atom.name, frozenset())
        key = (atom.kind, tuple(atom.codes))
        if key not in self._inline:
            known = self.scheme.known_dx if atom.kind == "dx" else self.scheme.known_px
            stems = tuple(c[:-1] for c in atom.codes if c.endswith(".*"))
            self._inline[key] = frozenset(atom.codes) | {
                c for c in known if stems and c.startswith(stems)
            }
        return self._inline[key]

    def mdc_list(self, mdc: str) -> frozenset[str]:
        """Principal diagnoses of an MDC."""
        return self.scheme.code_sets.get(mdc, frozenset())

    def plans(self) -> list[Plan]:
        """Every plan, shares summing to 1."""
        found: list[Plan] = []
        for row in self.scheme.adrgs:
            ways = list(self._of_row(row))[:_MOST_WAYS]
            found.extend(replace(p, share=1 / len(ways)) for p in ways)
        return self._with_shares(found)

    def _sex_by_list(self) -> None:
        """Diagnoses of an MDC of one sex fit that sex, unless the other sex has them too."""
        lists = {
            sex: frozenset().union(
                *(self.mdc_list(m) for m, r in self.mix.items() if r["female"] == share)
            )
            for sex, share in ((1, 0), (2, 1))
        }
        for sex, codes in lists.items():
            for code in codes - lists[3 - sex]:
                self.codes.sex[self.codes.dx_id[code]] = sex

    def _own(self, mdc: str) -> frozenset[str]:
        others = (self.mdc_list(m) for m in self.doors if m != mdc)
        return self.mdc_list(mdc) - frozenset().union(*others)

    def _sought(self) -> Iterator[frozenset[str]]:
        for rule in (*self.doors.values(), *(a.rule for a in self.scheme.adrgs)):
            for test in synth_rules.code_tests(rule):
                if test.kind == "dx" and test.position != "principal":
                    yield self.lookup(test)
        yield frozenset(self.scheme.trauma_site)

    def _px_of(self, rule: Any) -> frozenset[str]:
        tests = [t for t in synth_rules.code_tests(rule) if t.kind == "px"]
        return frozenset().union(*(self.lookup(t) for t in tests))

    def _of_row(self, row: AdrgLike) -> Iterator[Plan]:
        kind = {"non_or_procedure": "procedure"}.get(row.kind, row.kind)
        own: frozenset[str] = frozenset()
        if kind == "ambiguous":
            others = (a for a in self.scheme.adrgs if a.mdc == row.mdc and a.kind != "ambiguous")
            own = frozenset().union(*(self._px_of(a.rule) for a in others)) | self.first_px
        seen: set[tuple[Any, ...]] = set()
        for way in synth_rules.needs(self.doors[row.mdc], row.rule, self.lookup):
            first = way.first - own if way.first is not None else None
            # A conflict of sex is a defect, not an ambiguous case of the mix.
            if first == frozenset() or (kind == "ambiguous" and "sex" in way.choices):
                continue
            for plan in self._by_site(row, kind, replace(way, first=first)):
                key = (plan.principal, plan.procedures, plan.diagnoses)
                if plan.principal >= 0 and key not in seen:
                    seen.add(key)
                    yield plan

    def _by_site(self, row: AdrgLike, kind: str, need: Need) -> Iterator[Plan]:
        if need.sites < 2:
            yield self._plan(row, kind, need)
            return
        members: dict[str, set[str]] = defaultdict(set)
        for code, site in self.scheme.trauma_site.items():
            members[site].add(code)
        sites = sorted(members)
        for n, site in enumerate(sites):
            other = tuple(
                frozenset(members[sites[(n + k) % len(sites)]]) for k in range(1, need.sites)
            )
            here = frozenset(members[site]) & (need.principal or frozenset(members[site]))
            yield self._plan(
                row, kind, replace(need, principal=here, diagnoses=(*need.diagnoses, *other))
            )

    def _plan(self, row: AdrgLike, kind: str, need: Need) -> Plan:
        add = self.pools.add
        px = tuple(p for p in (need.first, *need.procedures) if p is not None)[:MOST_NEEDED]
        return Plan(
            row,
            row.mdc,
            kind,
            add(self._principals(row, kind, need)),
            tuple(add(self.codes.procedures(p)) for p in px),
            tuple(
                add(self.codes.diagnoses(d, principal=False)) for d in need.diagnoses[:MOST_FURTHER]
            ),
            need.bounds,
            need.choices,
        )

    def _principals(self, row: AdrgLike, kind: str, need: Need) -> Ids:
        codes = need.principal
        if codes is None:
            codes = self.general - need.never_principal - need.absent
        ids = self.codes.diagnoses((codes - self.grey) or codes)
        names_dx = any(
            t.kind == "dx" and t.position == "principal" for t in synth_rules.code_tests(row.rule)
        )
        if kind in ("surgical", "procedure") and not names_dx:
            ids = self._related(row.name, ids)
        return ids

    def _related(self, name: str, ids: Ids) -> Ids:
        """The diagnoses whose names share most with the ADRG's name, then the usual ones."""
        most = self.settings["mix"]["related_pool"]
        ids = ids[: 40 * most]
        for word in self.settings["mix"]["ignored_in_names"]:
            name = name.replace(word, " ")
        places = self._places_of(ids)
        score = np.zeros(len(ids))
        for part in sorted(part for part in _parts_of(name) if " " not in part):
            if at := places.get(part):
                score[at] += len(part) * math.log(1.0 + len(ids) / len(at))
        order = np.argsort(-(2.0 * score + self.codes.as_principal[ids]), kind="stable")
        return ids[order][:most]

    def _places_of(self, ids: Ids) -> Mapping[str, list[int]]:
        """Parts of the names of diagnoses, and the places of those whose names have them."""
        key = ids.tobytes()
        if key not in self._places:
            found: defaultdict[str, list[int]] = defaultdict(list)
            for at, n in enumerate(ids.tolist()):
                if n not in self._parts:
                    name = self.scheme.dx_names.get(self.codes.dx[n], "")
                    self._parts[n] = _parts_of(name) & self._asked
                for part in self._parts[n]:
                    found[part].append(at)
            self._places[key] = dict(found)
        return self._places[key]

    def _with_shares(self, plans: list[Plan]) -> list[Plan]:
        mix = self.settings["mix"]
        usual = (
            pl.DataFrame(list(self.mix.values()))
            .select("medical", "procedure", "surgical")
            .mean()
            .row(0)
        )
        default = dict(zip(KINDS, usual, strict=False))
        cells: dict[tuple[str, str], float] = defaultdict(float)
        flat, offsets, sizes = self.pools.flat()
        weighted = []
        for plan in plans:
            top = flat[
                offsets[plan.principal] : offsets[plan.principal] + min(sizes[plan.principal], 12)
            ]
            adrg = plan.adrg.adrg if plan.adrg else ""
            usual_dx = float(self.codes.principal[top].mean()) + 1.0
            spread = math.exp(mix["adrg_sigma"] * 2.0 * (share_of(adrg) - 0.5) * 1.7)
            weighted.append(plan.share * usual_dx * spread)
            cells[plan.mdc, plan.kind] += weighted[-1]
        target = {c: float(self.mix.get(c[0], default).get(c[1], 0.0)) for c in cells}
        by_mdc: dict[str, float] = defaultdict(float)
        for (mdc, _), value in target.items():
            by_mdc[mdc] += value
        target |= {c: by_mdc[c[0]] or 1.0 for c in cells if c[1] == "ambiguous"}
        strays = self._ungroupable()
        odd = {"ambiguous": mix["ambiguous"], "ungroupable": mix["ungroupable"] if strays else 0.0}
        odd["ambiguous"] *= any(c[1] == "ambiguous" for c in cells)
        total = {
            k: sum(v for c, v in target.items() if (c[1] == "ambiguous") == (k == "ambiguous"))
            for k in ("ambiguous", "usual")
        }
        done = []
        for plan, weight in zip(plans, weighted, strict=True):
            whole = odd["ambiguous"] if plan.kind == "ambiguous" else 1.0 - sum(odd.values())
            part = "ambiguous" if plan.kind == "ambiguous" else "usual"
            share = weight / cells[plan.mdc, plan.kind] * target[plan.mdc, plan.kind]
            done.append(replace(plan, share=whole * share / (total[part] or 1.0)))
        return done + [replace(p, share=odd["ungroupable"]) for p in strays]

    def _ungroupable(self) -> list[Plan]:
        free = self.scheme.known_dx - self.listed - self.sought
        pool = self.pools.add(self.codes.diagnoses(free))
        return [Plan(None, "", "ungroupable", pool)] if pool >= 0 else []


def _parts_of(name: str) -> frozenset[str]:
    """One, two and three characters in a row."""
    return frozenset(name[k : k + n] for n in (1, 2, 3) for k in range(len(name) - n + 1))
