"""Catalogues and claims for tests of the combination kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import grouper_core as core
from drg.dip.compile import compile_catalogue
from drg.dip.compiled import CompiledCatalogue
from drg.dip.grammar import parse_terms
from drg.dip.model import (
    Catalogue,
    Group,
    Matching,
)

DX = (
    *("K80.100", "K80.101", "K80.200", "K81.000", "N40.x00", "I10.x00", "I12.000", "I12.000x001"),
    *("E10.300x051+H42.0*", "C00.000", "C78.000", "D48.900", "E11.900", "E11.700", "I50.000"),
)
#: The first digit of a procedure is its kind's.
PX = ("11.0100", "11.0101", "11.0200", "22.0100", "22.0200", "33.0100", "44.0100", "44.0100x001")
KINDS = {"1": "surgery", "2": "therapeutic", "3": "diagnostic", "4": "conservative"}
TIERS = (("special",), ("core", "primary"), ("comprehensive",), ("chapter",), ("blank",))
MATCHING = Matching(TIERS, ())


class Answer(NamedTuple):
    group: str | None
    decided: str | None = None
    reason: str | None = None


def group(code: str, terms: str = "", **more: Any) -> Group:
    """A group for K80.1 whose procedures are ``terms``; its class is core unless said otherwise."""
    of = {"group_class": "core", "diagnosis": ("K80.1",), "score_e4": 10_000, **more}
    return Group(code, terms=parse_terms(terms), **of)


def catalogue(*groups: Group, **more: Any) -> Catalogue:
    of = {
        "subtypes": (), "classes": (), "conditions": (), "comorbidities": (), "matching": MATCHING,
        "procedure_kind": {code: KINDS[code[0]] for code in PX},
        "dx_names": dict.fromkeys(DX, "疾病"), "px_names": dict.fromkeys(PX, "操作"), **more,
    }  # fmt: skip
    return Catalogue("made", "0" * 64, "造", "made", groups, **of)


def ordered(*comparators: str, **more: Any) -> Matching:
    return replace(MATCHING, comparators=comparators, **more)


def ask(
    made: Catalogue | CompiledCatalogue,
    procedures: Sequence[str | None] = (),
    diagnoses: Sequence[str | None] = ("K80.100",),
    cost: int = -1,
    true: int = 0,
    unknown: int = 0,
) -> Answer:
    compiled = compile_catalogue(made) if isinstance(made, Catalogue) else made
    leaf, decided, reason = core.match_one(
        compiled.program(), diagnoses, procedures, cost, true, unknown
    )
    found = compiled.leaves[leaf]
    assert (found.outcome == "GROUPED") == (found.group is not None)
    return Answer(found.group, compiled.decided[decided], compiled.reasons[reason] or None)


# ---------------------------------------------------------------- which groups fit

PAIR = catalogue(group("A", "11.0100"), group("B", "11.0100+22.0100"), group("C"))
