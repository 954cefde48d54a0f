"""How long does one long record take: 15 diagnoses, 10 procedures, 48 alternatives?"""

from __future__ import annotations

import pytest

import drg
from drg.claims.case import Case
from drg.simulate.alternatives import Alternatives
from drg.simulate.cases import Cases
from drg.simulate.naming import CodeNames
from drg.simulate.simulator import Simulator, Wanted

CASE = Case(
    claim_id="A1", hospital_id="H1", hospital_level="三级", insurance="310", sex="F", age=58,
    admitted_on="2024-06-01", discharged_on="2024-06-11", los_days=10, disposition="1",
    total_cost="15000.00", patient_paid="3000.00",
    diagnoses=[
        "I63.905", "J96.000", "I69.300", "E11.900", "I10.x00x002", "N17.900", "K92.208", "I48.x01",
        "J18.900", "D64.900", "E87.600", "R57.900", "I50.900", "A41.900", "L89.900",
    ],
    procedures=[
        "88.4101", "39.5000", "31.1x00", "96.7201", "38.9301", "54.9101", "39.9500", "96.0400",
        "99.1500", "86.2200",
    ],
)  # fmt: skip


@pytest.fixture(scope="module")
def harbin():
    return drg.Grouper.load("haerbin-2022")


def test_grouping_of_all_alternatives(benchmark, harbin):
    """The frame of the alternatives built, and grouped in one batch."""
    cases = Cases.of([CASE])
    names = CodeNames(harbin)
    tried = Alternatives(cases.base[0], Wanted(), names.name, None).tried

    def run() -> None:
        batch = cases.with_alternatives([tried])
        assert harbin.group_frame(*batch, threads=1).height == 49

    benchmark(run)


@pytest.mark.parametrize("told", ["groups", "money", "money and rules"])
def test_whole_answer(benchmark, harbin, told):
    """Groups, reasons and findings in words; with the money; with the national audit rules."""
    policy = None if told == "groups" else drg.load_policy("demo-2024")
    rules = drg.load_rules("national") if told == "money and rules" else None
    simulator = Simulator(harbin, policy, rules=rules)
    assert len(benchmark(simulator.simulate, CASE).scenarios) == 48


def test_explanation(benchmark, harbin):
    """One case as it stands, with its money and the national audit rules."""
    policy, rules = drg.load_policy("demo-2024"), drg.load_rules("national")
    benchmark(Simulator(harbin, policy, rules=rules).explain, CASE)
