"""Folders of tables in the layout that `drg tables import` reads: an interpreter, and odd folders.

The interpreter states what such a folder means, straight from its CSV files and with nothing of
the importer in it: two truth values, the first row that holds, missing values false.
"""

from __future__ import annotations

import csv
import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

from drg.schemes import rules as r

NO_GROUP = ["0000", "00", "0000"]
OUTCOME = {
    "grouped": "GROUPED", "ambiguous": "AMBIGUOUS", "ungroupable": "UNGROUPABLE",
    "invalid_input": "REJECTED",
}  # fmt: skip


class LayoutGrouper:
    """Answers (mdc, adrg, group, outcome) for claims of text fields."""

    def __init__(self, folder: Path) -> None:
        def rows(name: str) -> list[dict[str, str]]:
            with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
                return list(csv.DictReader(file))

        def ordered(name: str) -> list[dict[str, str]]:
            return sorted(rows(name), key=lambda row: int(row["order"]))

        self.flags = json.loads((folder / "scheme.json").read_text("utf-8"))["flags"]
        self.sets: defaultdict[str, set[str]] = defaultdict(set)
        self.site: dict[str, str] = {}
        for row in rows("code_set"):
            self.sets[row["set"]].add(row["code"])
        for row in rows("mdc_diagnosis"):
            self.sets[row["mdc"]].add(row["code"])
            if row["site"]:
                self.site[row["code"]] = row["site"]
        self.sets["VALID"] = {row["code"] for row in rows("valid_procedure")}
        self.levels: dict[str, dict[str, str]] = {"MCC": {}, "CC": {}}
        for row in rows("severity"):
            self.levels[row["level"].upper()][row["code"]] = row["exclusion_table"]
        self.excluded = {x["principal_diagnosis"]: x["exclusion_table"] for x in rows("exclusion")}
        tests: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
        for row in ordered("drg"):
            tests[row["adrg"], row["rule_no"]].append((row["drg"], r.parse(row["rule"])))
        adrgs: defaultdict[str, list[Any]] = defaultdict(list)
        for row in ordered("adrg"):
            own = tests.get((row["adrg"], row["rule_no"])) or tests.get((row["adrg"], ""), [])
            adrgs[row["mdc"]].append((row["adrg"], r.parse(row["rule"]), own, row["no_drg"]))
        self.mdcs = [(r.parse(row["rule"]), adrgs[row["mdc"]]) for row in ordered("mdc")]

    def group(self, claim: dict[str, str]) -> tuple[str, ...]:
        self.claim = {k: v for k, v in claim.items() if v}
        self.dx = [c for c in claim["diagnoses"].split("|") if c]
        self.px = [c for c in claim["procedures"].split("|") if c]
        if self.invalid():
            return (*self.flags["invalid_input"], OUTCOME["invalid_input"])
        found = self.decide()
        if not found and self.flags["retry_other_procedures"]:
            tries = self.px[1:]
            for alone in tries:
                self.px = [alone]
                found = found or self.decide()
        if not found:
            return (*self.flags["ungroupable"], OUTCOME["ungroupable"])
        if found[1:] == "QY":
            return (f"MDC{found[0]}", "QY", found, OUTCOME["ambiguous"])
        return (f"MDC{found[0]}", found[:3], found, OUTCOME["grouped"])

    def invalid(self) -> bool:
        age, days = self.claim.get("age"), self.claim.get("age_days")
        if self.claim.get("sex") not in ("1", "2") or age is None:
            return True
        if int(age) != 0:
            return False
        return days is None or (int(days) <= 28 and "weight" not in self.claim)

    def decide(self) -> str | None:
        for door, adrgs in self.mdcs:
            if self.true(door):
                for adrg, rule, tests, no_drg in adrgs:
                    if self.true(rule):
                        for drg, test in tests:
                            if self.true(test):
                                return drg
                        if no_drg == "self":
                            return adrg
        return None

    def true(self, rule: r.Rule) -> bool:
        match rule:
            case r.Const(value):
                return value
            case r.Not(inner):
                return not self.true(inner)
            case r.And(parts):
                return all(map(self.true, parts))
            case r.Or(parts):
                return any(map(self.true, parts))
            case r.Codes(position, kind, name, codes):
                have = self.dx if kind == "dx" else self.px
                part = {"principal": have[:1], "secondary": have[1:], "any": have}[position]
                return not (self.sets[name] if name else set(codes)).isdisjoint(part)
            case r.Severity(level):
                void = self.excluded.get(self.dx[0]) if self.dx else None
                tables = self.levels[level]
                return any(c in tables and tables[c] != void for c in self.dx[1:])
            case r.TraumaSites(op, bound):
                return r.compare(len({self.site[c] for c in self.dx if c in self.site}), op, bound)
            case r.Compare(field, op, bound):
                value = self.claim.get(field)
                return value is not None and r.compare(int(value), op, bound)
            case r.OneOf("sex", values):
                return {"1": "male", "2": "female"}[self.claim["sex"]] in values
            case r.OneOf(field, values):
                return self.claim.get(field) in values
        raise AssertionError(rule)


DX = [f"{a}{n:02d}.{k}00" for a in "ABCDP" for n in range(4) for k in range(2)] + ["A17.000+G01*"]
PX = [f"{n:02d}.{k}000" for n in range(30, 38) for k in range(2)]


def _atom(rng: random.Random, sets: dict[str, list[str]]) -> str:
    def codes(kind: str) -> str:
        place = rng.choice(("principal", "secondary", "any"))
        return f"{place}_{kind} in {rng.choice(sets[kind])}"

    def number() -> str:
        field = rng.choice(("age", "age_days", "weight", "los", "icu_hours"))
        return f"{field} {rng.choice(r.OPERATORS)} {rng.choice((0, 1, 5, 17, 28, 70, 1500))}"

    return rng.choice((
        codes("dx"), codes("dx"), codes("px"), codes("px"), number(), rng.choice(("mcc", "cc")),
        f"any_dx in {{{', '.join(rng.sample(DX, 2))}}}", f"sex = {rng.choice(r.SEXES)}",
        rng.choice(("disposition in {5}", "department in {ICU, 呼吸科}")), "trauma_sites >= 2",
        rng.choice(("always", "never")),
    ))  # fmt: skip


def _rule(rng: random.Random, sets: dict[str, list[str]], depth: int = 0) -> str:
    chance = rng.random()
    if depth > 2 or chance < 0.5:
        return _atom(rng, sets)
    if chance < 0.65:
        return f"not ({_rule(rng, sets, depth + 1)})"
    joint = rng.choice((" and ", " or "))
    return f"({joint.join(_rule(rng, sets, depth + 1) for _ in range(2))})"


def write_odd_layout(folder: Path, seed: int) -> None:
    """A folder with everything our own tables refuse: clashing keys, empty sets, foreign groups."""
    rng = random.Random(seed)
    folder.mkdir(parents=True)

    def write(name: str, head: str, rows: list[list[Any]]) -> None:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head.split(","), *rows])

    letters = rng.sample("ABCDP", rng.choice((2, 3, 4)))
    mdcs = [f"MDC{letter}" for letter in letters]
    sets = {
        "dx": [*(f"S{n}.dx" for n in range(4)), *mdcs, "EMPTY.dx", "MIX", "S0.px"],
        "px": [*(f"S{n}.px" for n in range(4)), "VALID", "EMPTY.px", "MIX"],
    }
    doors = [[n + 1, mdc, "", _rule(rng, sets)] for n, mdc in enumerate(mdcs)]
    doors += [[9, mdcs[0], "again", _rule(rng, sets)]] if rng.random() < 0.3 else []
    write("mdc", "order,mdc,name,rule", doors)
    sites = ["", "", "头", "胸", "腹"]
    listed = [[m, c, rng.choice(sites)] for m in mdcs for c in rng.sample(DX, rng.randint(1, 12))]
    write("mdc_diagnosis", "mdc,code,site", [*listed, *rng.sample(listed, 2)])
    adrg, drg, order = [], [], 0
    for mdc in mdcs:
        for _ in range(rng.randint(1, 4)):
            order += 1
            code = mdc[3] + rng.choice("ABKRZ") + rng.choice("123")
            for n in range(rng.choice((1, 1, 2))):
                number = rng.choice((n + 1, n + 1, "x", 7))
                kind, through = rng.choice(("surgical", "", "奇")), rng.choice(("self", "next"))
                name = rng.choice(("名", ""))
                adrg.append([mdc, order, code, number, name, kind, _rule(rng, sets), through])
            if rng.random() < 0.3:
                exit_row = [mdc, order, f"{mdc[3]}QY", 1, "歧义组", "ambiguous", _rule(rng, sets)]
                adrg.append([*exit_row, rng.choice(("self", "next"))])
            for number in rng.choice(([""], ["", "1", "x", "9"])):
                for n in range(rng.randint(0, 3)):
                    foreign = rng.choice([*letters, "X"]) + "R1"
                    group = (code if rng.random() < 0.9 else foreign) + rng.choice("1359")
                    group = f"{rng.choice(letters)}QY" if rng.random() < 0.05 else group
                    rule = rng.choice(("always", _rule(rng, sets)))
                    drg.append([code, number, rng.choice((n, 1)), group, "", rule])
    write("adrg", "mdc,order,adrg,rule_no,name,kind,rule,no_drg", adrg)
    write("drg", "adrg,rule_no,order,drg,name,rule", drg)
    codes = [[f"S{n}.dx", "dx", c] for n in range(4) for c in rng.sample(DX, 6)]
    codes += [[f"S{n}.px", "px", c] for n in range(4) for c in rng.sample(PX, 5)]
    codes += [[f"ALL.{kind}", kind, c] for kind, known in (("dx", DX), ("px", PX)) for c in known]
    codes += [["MIX", "px", c] for c in rng.sample(PX, 3)]
    codes += [["MIX", rng.choice(("dx", "")), c] for c in rng.sample(DX, 3)]
    codes += [[mdcs[0], "dx", c] for c in rng.sample(DX, 2)]
    write("code_set", "set,kind,code", codes)
    levels = [[c, rng.choice(("MCC", "CC", "cc")), rng.choice("123")] for c in rng.sample(DX, 16)]
    levels += [[c, "CC", rng.choice(("1", "2", ""))] for c in rng.sample(DX, 6)]
    write("severity", "code,level,exclusion_table", levels)
    excluded = [[rng.choice(DX), rng.choice(("1", "2", "3", ""))] for _ in range(20)]
    write("exclusion", "principal_diagnosis,exclusion_table", excluded)
    write("valid_procedure", "code,name", [[c, ""] for c in rng.sample(PX, rng.choice((0, 8)))])
    flags = {
        "retry_other_procedures": rng.random() < 0.2,
        "invalid_input": rng.choice((["", "", ""], NO_GROUP)),
        "ungroupable": ["0000", "00", rng.choice(("0000", "0000A"))],
    }
    meta = json.dumps({"id": f"odd_{seed}", "title": "x", "flags": flags})
    (folder / "scheme.json").write_text(meta, encoding="utf-8")


def odd_claims(seed: int, count: int) -> list[dict[str, str]]:
    """Claims of known codes: how an unknown one fares in a retry is not the layout's to say."""
    rng = random.Random(seed)
    claims = []
    for n in range(count):
        age = rng.choice(("0", "0", "1", "5", "17", "18", "70", ""))
        days = rng.choice(("", "0", "3", "28", "29", "200")) if age == "0" else ""
        claims.append({
            "claim_id": str(n), "sex": rng.choice(("1", "2", "2", "1", "")), "age": age,
            "age_days": days, "weight": rng.choice(("", "1400", "1500", "3000")),
            "department": rng.choice(("", "ICU", "呼吸科")), "los": rng.choice(("", "3", "70")),
            "disposition": rng.choice(("", "1", "5")), "icu_hours": rng.choice(("", "0", "70")),
            "diagnoses": "|".join(rng.choices(DX, k=rng.choice((0, 1, 2, 3, 5)))),
            "procedures": "|".join(rng.sample(PX, rng.choice((0, 0, 1, 2, 3)))),
        })  # fmt: skip
    return claims
