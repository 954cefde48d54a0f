"""A coder's page of an MDC or an ADRG: what comes before it, what enters, how it splits.

Built from the tables as frames; ``page_text`` tells and writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from drg.errors import DrgError
from drg.schemes import rules
from drg.schemes.rules import Codes, Rule, code_tests
from drg.schemes.scheme import VALID, AdrgRow, DrgRow, MdcRow, Scheme
from drg.schemes.words import rule_words, say
from drg.text import text

__all__ = ["Page", "PageError", "Part", "scheme_page"]

_NEAR = 5
_PRINCIPAL = ("principal", "any")


class PageError(DrgError, LookupError):
    """The scheme has no such MDC, ADRG or DRG."""

    area = "compare"
    exit_code = 2


@dataclass(frozen=True)
class Part:
    """A section of a page.

    Attributes
    ----------
    key : str
        ``rules before adrgs splits set diagnoses severity``.
    title : str
        Heading, worded.
    rows : DataFrame
        Its table.
    notes : tuple of str
        Lines above the table, worded.
    nearest : bool
        When shortened, the last rows are kept, not the first.
    same_as : str
        An earlier set that holds the same codes; ``""`` for none.
    """

    key: str
    title: str
    rows: pl.DataFrame
    notes: tuple[str, ...] = ()
    nearest: bool = False
    same_as: str = ""


@dataclass(frozen=True)
class Page:
    """What there is to say of one MDC or ADRG.

    Attributes
    ----------
    title : str
        Code and name.
    facts : tuple of (str, str)
        Label and value.
    parts : tuple of Part
    origin : mapping of str to str
        Scheme, overlay and digest.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    origin: dict[str, str] = field(default_factory=dict)


def scheme_page(scheme: Scheme, code: str, lang: str | None = None) -> Page:
    """The page of an MDC, an ADRG or the ADRG of a DRG.

    Parameters
    ----------
    scheme : Scheme
        Resolved.
    code : str
        ``MDCB``, ``BR1`` or ``BR15``; case does not matter.
    lang : {"zh", "en"}, optional
        Language of everything but the names, which are Chinese.

    Raises
    ------
    PageError
        C211: no such code; names the nearest.
    """
    wanted = code.strip().upper()
    spelled = {name.upper(): name for name in _known(scheme)}
    if wanted not in spelled:
        near = get_close_matches(wanted, spelled, n=_NEAR, cutoff=0.5)
        near = near or [name for name in spelled if name[:1] == wanted[:1]][:_NEAR]
        raise PageError("C211", asked=code, id=scheme.id, near=" ".join(near) or "—")
    name = spelled[wanted]
    maker = _Maker(scheme, lang)
    mdc = next((row for row in scheme.mdcs if row.mdc == name), None)
    if mdc is not None:
        return maker.mdc_page(mdc)
    adrgs = {row.adrg for row in scheme.adrgs}
    adrg = name if name in adrgs else next(r.adrg for r in scheme.drgs if r.drg == name)
    return maker.adrg_page(adrg, drg="" if name in adrgs else name)


def _known(scheme: Scheme) -> list[str]:
    groups = [row.adrg for row in scheme.adrgs] + [row.drg for row in scheme.drgs]
    return [row.mdc for row in scheme.mdcs] + list(dict.fromkeys(groups))


class _Maker:
    """Words and tables of pages of one scheme."""

    def __init__(self, scheme: Scheme, lang: str | None) -> None:
        self.scheme = scheme
        self.lang = lang

    def say(self, key: str, /, **params: object) -> str:
        return text(f"compare.{key}", self.lang, **params)

    # ---- pages

    def adrg_page(self, adrg: str, drg: str = "") -> Page:
        rows = [row for row in self.scheme.adrgs if row.adrg == adrg]
        first = rows[0]
        mdc = self._mdc(first.mdc)
        inside = [row for row in self.scheme.adrgs if row.mdc == first.mdc]
        ahead = inside[: inside.index(first)]
        drgs = self._drgs(rows)
        facts = [
            (self.say("fact_mdc"), f"{mdc.mdc} {mdc.name}"),
            (self.say("fact_door"), rule_words(mdc.rule, self.lang)),
            (self.say("fact_kind"), self.say(f"kind_{first.kind}")),
            (
                self.say("fact_place"),
                self.say("place_in_mdc", place=len(ahead) + 1, rows=len(inside), mdc=mdc.mdc),
            ),
            (self.say("fact_mdcs_before"), self._mdcs_before(mdc)),
            (self.say("fact_splits"), self._splits_words(rows, drgs)),
        ]
        tests = _tests([*(r.rule for r in rows), *(r.rule for r in drgs)])
        parts = [
            Part("rules", self.say("part_rules"), self._rules(rows)),
            Part("splits", self.say("part_splits"), self._splits(drgs, drg)),
            Part("before", self.say("part_before", mdc=mdc.mdc), self._adrgs(ahead), nearest=True),
            *self._sets(tests, mdc.mdc),
        ]
        if any(isinstance(a, rules.Severity) for r in drgs for a in rules.iter_atoms(r.rule)):
            parts.append(self._severity(rows, mdc.mdc))
        return Page(f"{adrg} {first.name}", tuple(facts), tuple(parts), self._origin())

    def mdc_page(self, mdc: MdcRow) -> Page:
        rows = [row for row in self.scheme.adrgs if row.mdc == mdc.mdc]
        adrgs = {row.adrg for row in rows}
        drgs = [row for row in self.scheme.drgs if row.adrg in adrgs]
        facts = [
            (self.say("fact_door"), rule_words(mdc.rule, self.lang)),
            (self.say("fact_mdcs_before"), self._mdcs_before(mdc)),
            (
                self.say("fact_size"),
                self.say("size_of_mdc", adrgs=len(adrgs), drgs=len({r.drg for r in drgs})),
            ),
        ]
        parts = [Part("adrgs", self.say("part_adrgs"), self._adrgs(rows))]
        listed = Codes("principal", "dx", mdc.mdc)
        if mdc.mdc in self.scheme.code_sets:
            parts.append(self._diagnoses(mdc.mdc, rows))
        others = [test for test in _tests([mdc.rule]) if test.name != listed.name]
        parts += self._sets(others, mdc.mdc)
        return Page(f"{mdc.mdc} {mdc.name}", tuple(facts), tuple(parts), self._origin())

    def _origin(self) -> dict[str, str]:
        scheme = self.scheme
        return {
            "drg.scheme": scheme.id,
            "drg.compat": scheme.compat,
            "drg.digest": scheme.digest,
        }

    # ---- rows

    def _mdc(self, name: str) -> MdcRow:
        return next(row for row in self.scheme.mdcs if row.mdc == name)

    def _mdcs_before(self, mdc: MdcRow) -> str:
        names = [row.mdc for row in self.scheme.mdcs]
        return " ".join(names[: names.index(mdc.mdc)]) or self.say("none_before")

    def _drgs(self, rows: Sequence[AdrgRow]) -> list[DrgRow]:
        """The DRG tests of an ADRG's rules, each once, in order."""
        return list(dict.fromkeys(drg for row in rows for drg in self.scheme.drgs_of(row)))

    def _splits_words(self, rows: Sequence[AdrgRow], drgs: Sequence[DrgRow]) -> str:
        if rows[0].ambiguous:
            return self.say("split_ambiguous", reason=rows[0].reason)
        if not drgs:
            return self.say(f"split_bare_{self.scheme.flags.unmatched_adrg}", adrg=rows[0].adrg)
        count = len({row.drg for row in drgs})
        return self.say("split_one") if count == 1 else self.say("split_many", count=count)

    def _rules(self, rows: Sequence[AdrgRow]) -> pl.DataFrame:
        columns = {
            "mdc": [row.mdc for row in rows],
            "rule_no": [str(row.rule_no) for row in rows],
            "condition": [rule_words(row.rule, self.lang) for row in rows],
            "rule": [row.text for row in rows],
        }
        if len(set(columns["mdc"])) == 1:
            del columns["mdc"]
        return _frame(columns)

    def _adrgs(self, rows: Sequence[AdrgRow]) -> pl.DataFrame:
        return _frame(
            {
                "place": [str(place) for place in range(1, len(rows) + 1)],
                "adrg": [_key(row, rows) for row in rows],
                "name": [row.name for row in rows],
                "kind": [self.say(f"kind_{row.kind}") for row in rows],
                "condition": [rule_words(row.rule, self.lang) for row in rows],
            }
        )

    def _splits(self, rows: Sequence[DrgRow], asked: str) -> pl.DataFrame:
        columns = {
            "place": [str(place) for place in range(1, len(rows) + 1)],
            "rule_no": ["" if row.rule_no is None else str(row.rule_no) for row in rows],
            "drg": [row.drg for row in rows],
            "name": [row.name for row in rows],
            "condition": [self._test_words(row.rule, place) for place, row in enumerate(rows)],
            "asked": [self.say("asked") if row.drg == asked else "" for row in rows],
        }
        if not any(columns["rule_no"]):
            del columns["rule_no"]
        if not asked:
            del columns["asked"]
        return _frame(columns)

    def _test_words(self, rule: Rule, place: int) -> str:
        if isinstance(rule, rules.Const) and rule.value and place:
            return self.say("otherwise")
        return rule_words(rule, self.lang)

    # ---- codes

    def _members(self, test: Codes) -> list[str]:
        """Codes that a test looks for; a prefix stands for the known codes under it."""
        if test.name:
            return sorted(self.scheme.code_sets[test.name])
        known = self.scheme.known_codes(test.kind)
        prefixes = [code[:-1] for code in test.codes if code.endswith(".*")]
        listed = set(test.codes) & set(known)
        return sorted(listed.union(*(known.filter(known.str.starts_with(p)) for p in prefixes)))

    def _sets(self, tests: Sequence[Codes], mdc: str) -> list[Part]:
        """A part for each set; one that holds the codes of an earlier one says so."""
        first: dict[tuple[str, ...], str] = {}
        parts = []
        for test in tests:
            codes = self._members(test)
            name = _set_name(test)
            parts.append(self._set(test, codes, mdc, first.setdefault(tuple(codes), name)))
        return parts

    def _set(self, test: Codes, codes: list[str], mdc: str, first: str) -> Part:
        name = _set_name(test)
        place = say(f"{test.position}_{test.kind}", self.lang)
        title = self.say("part_set", set=name, place=place, count=f"{len(codes):,}")
        listed = self.scheme.code_sets.get(mdc, frozenset())
        grey = self.scheme.code_sets.get(f"GREY.{test.kind}", frozenset())
        columns = {"code": codes, "name": [self._name(test.kind, c) for c in codes]}
        notes: tuple[str, ...] = ()
        if test.kind == "dx":
            out = sum(code not in listed for code in codes)
            if listed and test.position in _PRINCIPAL:
                columns["in_mdc"] = [self._yes(code in listed) for code in codes]
                notes = (self.say("not_in_mdc", count=f"{out:,}", mdc=mdc),) if out else ()
            columns |= self._severity_columns(codes)
        else:
            valid = self.scheme.code_sets.get(VALID, frozenset())
            columns["valid"] = [self._yes(code in valid) for code in codes]
        if not grey.isdisjoint(codes):
            columns["grey"] = [self.say("yes") if code in grey else "" for code in codes]
        same_as = first if first != name else ""
        return Part("set", title, _frame(columns), notes, same_as=same_as)

    def _diagnoses(self, mdc: str, rows: Sequence[AdrgRow]) -> Part:
        """The MDC's list, each diagnosis with the ADRGs whose rules name it as principal."""
        codes = sorted(self.scheme.code_sets[mdc])
        adrgs: dict[str, list[str]] = {}
        for row in rows:
            for test in _tests([row.rule]):
                if test.kind == "dx" and test.position in _PRINCIPAL and test.name != mdc:
                    for code in self._members(test):
                        adrgs.setdefault(code, []).append(row.adrg)
        site = self.scheme.trauma_site
        columns = {"code": codes, "name": [self._name("dx", code) for code in codes]}
        if any(code in site for code in codes) and self._sites_of(mdc):
            columns["site"] = [site.get(code, "") for code in codes]
        columns["adrgs"] = [" ".join(dict.fromkeys(adrgs.get(code, ()))) for code in codes]
        columns |= self._severity_columns(codes)
        title = self.say("part_diagnoses", mdc=mdc, count=f"{len(codes):,}")
        return Part("diagnoses", title, _frame(columns))

    def _sites_of(self, mdc: str) -> bool:
        rows = self.scheme.table("mdc_diagnosis").filter(pl.col("mdc") == mdc)
        return bool((rows["site"] != "").any())

    def _severity_columns(self, codes: Sequence[str]) -> dict[str, list[str]]:
        """What each diagnosis is as a secondary one, and which table it has as principal."""
        nothing = ("", "")
        return {
            "level": [self.scheme.severity.get(code, nothing)[0] for code in codes],
            "exclusion_table": [self.scheme.exclusion.get(code, "") for code in codes],
        }

    def _severity(self, rows: Sequence[AdrgRow], mdc: str) -> Part:
        """Which complications do not count under the principal diagnoses that enter here."""
        tests = [t for t in _tests(r.rule for r in rows) if t.kind == "dx"]
        own = [t for t in tests if t.position in _PRINCIPAL] or [Codes("principal", "dx", mdc)]
        there = [t for t in own if not t.name or t.name in self.scheme.code_sets]
        principals = pl.DataFrame(
            {"principal_diagnosis": sorted({c for t in there for c in self._members(t)})},
            schema={"principal_diagnosis": pl.String},
        )
        tables = self.scheme.table("exclusion").join(
            principals, on="principal_diagnosis", how="semi"
        )
        counts = tables.group_by("exclusion_table").len("principals")
        level = pl.col("level")
        void = (
            self.scheme.table("severity")
            .group_by("exclusion_table")
            .agg((level != "CC").sum().alias("mcc"), (level != "MCC").sum().alias("cc"))
        )
        found = counts.join(void, on="exclusion_table", how="left").fill_null(0)
        numbers = found.sort(
            pl.col("principals"), "exclusion_table", descending=[True, False]
        ).with_columns(pl.all().cast(pl.String))
        without = principals.height - tables.height
        notes = (self.say("severity_note", count=f"{without:,}"),)
        return Part("severity", self.say("part_severity"), numbers, notes)

    def _name(self, kind: str, code: str) -> str:
        names = self.scheme.dx_names if kind == "dx" else self.scheme.px_names
        return names.get(code, "")

    def _yes(self, holds: bool) -> str:
        return self.say("yes" if holds else "no")


def _tests(of: Iterable[Rule]) -> list[Codes]:
    """Code tests of rules, each set once, in the order in which they are named."""
    found: dict[tuple[str, tuple[str, ...]], Codes] = {}
    for rule in of:
        for test in code_tests(rule):
            found.setdefault((test.name, test.codes), test)
    return list(found.values())


def _set_name(test: Codes) -> str:
    return test.name or "{" + ", ".join(test.codes) + "}"


def _key(row: AdrgRow, rows: Sequence[AdrgRow]) -> str:
    """The ADRG, with its rule number where it has several rules."""
    several = sum(other.adrg == row.adrg for other in rows) > 1
    return f"{row.adrg}/{row.rule_no}" if several else row.adrg


def _frame(columns: dict[str, list[str]]) -> pl.DataFrame:
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
