"""Schemes as large as the kernel holds: many MDCs, several words of rows and of literals.

The random schemes of ``made_schemes`` are small, so that a failure is readable; these go where
they do not. Kernel (frame and single claim) and reference must agree on every claim.
"""

import random

import pytest
from made_schemes import DX as DX_CODES
from made_schemes import INLINE, NAMES, SETS, SchemeText, csv_text, tiny_tables_root
from made_schemes import PX as PX_CODES
from test_differential import check_agreement

from drg.errors import TableError
from drg.grouping.grouper import Grouper
from drg.schemes import rules
from drg.schemes.rules import And, Codes, Compare, Const, Count, Not, OneOf, Or, Severity, State

BOUND = 30  # numbers compared with and reported: enough to need several words of literals
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHOICES = {
    "sex": ["male", "female"],
    "disposition": ["1", "2", "5"],
    "department": ["0301", "0402"],
}
FLAGS = {
    "unmatched_adrg": ("self", "next"),
    "retry_other_procedures": (True, False),
    "normalise_codes": (True, False),
    "repeated_principal": ("once", "secondary"),
    "ungroupable": ("mdc", ["0000", "00", "0000"]),
    "rejected": (["", "", ""], ["0000", "00", "0000"]),
    "missing_value": ("reject", "false"),
}


class Dice:
    """Rules, schemes and claims drawn from one seed."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def codes(self, position=None):
        draw = self.draw
        kind = draw.choice(("dx", "px"))
        position = position or draw.choice(("principal", "secondary", "any"))
        if draw.random() < 0.6:
            return Codes(position, kind, draw.choice(NAMES[kind]))
        return Codes(position, kind, "", draw.choice(INLINE[kind]))

    def atom(self):
        draw = self.draw
        field = draw.choice(list(CHOICES))
        picked = draw.sample(CHOICES[field], 1 if field == "sex" else draw.randint(1, 2))
        return draw.choices(
            [
                self.codes(),
                Compare(
                    draw.choice(rules.NUMBER_FIELDS),
                    draw.choice(rules.OPERATORS),
                    draw.randint(-3, BOUND),
                ),
                OneOf(field, tuple(picked)),
                Severity(draw.choice(("MCC", "CC"))),
                State(draw.choice(rules.SCALAR_FIELDS), draw.choice(("missing", "invalid"))),
                Count(self.codes("any"), draw.choice(rules.OPERATORS), draw.randint(0, 3)),
                Const(draw.random() < 0.5),
            ],
            weights=(35, 25, 10, 8, 8, 8, 6),
        )[0]

    def rule(self, depth=0):
        dice = self.draw.random()
        if depth >= 3 or dice < 0.4:
            return self.atom()
        if dice < 0.55:
            return Not(self.rule(depth + 1))
        parts = tuple(self.rule(depth + 1) for _ in range(self.draw.randint(2, 3)))
        return And(parts) if dice < 0.8 else Or(parts)

    def text(self):
        return rules.to_text(self.rule())

    def scheme(self, mdcs, adrgs):
        draw = self.draw
        mdc, members, adrg, drg = [], [], [], []
        for order, letter in enumerate(LETTERS[:mdcs], 1):
            door = draw.choice(["always", f"principal_dx in MDC{letter}", self.text()])
            mdc.append((order, f"MDC{letter}", "门", door))
            members += [(f"MDC{letter}", c, "") for c in draw.sample(DX_CODES, draw.randint(1, 4))]
            for n in range(1, draw.randint(1, adrgs) + 1):
                end = draw.random() < 0.2
                name = f"{letter}QY" if end else f"{letter}A{n % 10}"
                kind = "ambiguous" if end else draw.choice(("surgical", "medical"))
                reason = "Q301" if end else ""
                adrg.append((f"MDC{letter}", n, name, n, "名", kind, self.text(), reason))
        for name in sorted({row[2] for row in adrg if row[5] != "ambiguous"}):
            drg += [
                (name, "", n, f"{name}{n}", "组", self.text())
                for n in range(1, draw.randint(0, 3) + 1)
            ]
        sets = [
            (name, kind, code)
            for name, kind in SETS.items()
            for code in draw.sample(DX_CODES if kind == "dx" else PX_CODES, draw.randint(1, 4))
        ]
        return SchemeText(
            {flag: draw.choice(values) for flag, values in FLAGS.items()},
            {
                "mdc": csv_text("order,mdc,name,rule", mdc),
                "mdc_diagnosis": csv_text("mdc,code,site", members),
                "adrg": csv_text("mdc,order,adrg,rule_no,name,kind,rule,reason", adrg),
                "drg": csv_text("adrg,rule_no,order,drg,name,rule", drg),
                "code_set": csv_text("set,kind,code", sets),
                "severity": csv_text(
                    "code,level,exclusion_table",
                    [
                        (c, draw.choice(("MCC", "CC", "MCC+CC")), draw.choice("12"))
                        for c in draw.sample(DX_CODES, 4)
                    ],
                ),
                "exclusion": csv_text(
                    "principal_diagnosis,exclusion_table",
                    [(c, draw.choice("12")) for c in draw.sample(DX_CODES, 4)],
                ),
                "valid_procedure": csv_text(
                    "code,name", [(c, "") for c in draw.sample(PX_CODES, 3)]
                ),
                "check": csv_text(
                    "order,check,level,rule",
                    [
                        (n, f"E90{n}", draw.choice(("stop", "note")), self.text())
                        for n in range(draw.randint(0, 2))
                    ],
                ),
            },
        )

    def claim(self, n):
        draw = self.draw
        gaps = draw.choice((0, 0, 0.02, 0.3))

        def some(value):
            return None if draw.random() < gaps else value

        def listed(codes):
            return [draw.choice((*codes, "ZZZ", "", None)) for _ in range(draw.randint(0, 6))]

        numbers = (
            "age",
            "age_days",
            "birth_weight_g",
            "admission_weight_g",
            "los_days",
            "icu_hours",
            "ventilation_hours",
        )
        return {
            "claim_id": f"C{n}",
            "diagnoses": listed(DX_CODES),
            "procedures": listed(PX_CODES),
            "sex": some(draw.choice(("M", "F", "3"))),
            "disposition": some(draw.choice(("1", "2", "5", "9"))),
            "department": some(draw.choice(("0301", "0402", "0999"))),
            "insurance": some("310"),
            **{name: some(draw.randint(-4, BOUND + 2)) for name in numbers},
        }


@pytest.mark.parametrize("seed", range(8))
def test_kernel_and_reference_agree_on_large_schemes(seed, tmp_path, monkeypatch):
    monkeypatch.setenv("DRG_TABLES", str(tiny_tables_root(tmp_path)))
    monkeypatch.setenv("DRG_CACHE", str(tmp_path / "cache"))
    dice = Dice(seed)
    sizes = ((26, 30), (12, 20), (6, 12), (3, 6))
    for mdcs, adrgs in sizes[seed % 2 :]:  # the largest may need more literals than there is room
        made = dice.scheme(mdcs, adrgs)
        try:
            grouper = Grouper.load(made.write(tmp_path / f"made-{mdcs}"))
        except TableError as error:
            assert error.code in ("T119", "T124")
            continue
        check_agreement(grouper, [dice.claim(n) for n in range(100)])
        return
    pytest.fail("no scheme of this seed could be compiled")
