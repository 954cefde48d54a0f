"""Hospital coefficients: level means, add-ons, groups of their own, Xiamen's components."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.dip.coefficient import (
    XIAMEN,
    Component,
    DynamicLevel,
    GroupLevel,
    add_on_coefficient,
    component_value,
    dynamic_coefficient,
    group_coefficients,
    level_coefficient,
)
from drg.dip.errors import DipError

means = st.lists(st.integers(1, 10**7), min_size=3, max_size=3)


def refused(code, function, *arguments, **named):
    with pytest.raises(DipError) as caught:
        function(*arguments, **named)
    assert caught.value.code == code
    assert caught.value.message("zh") != caught.value.message("en")


@given(means, means)
def test_a_level_against_the_city(own, city):
    weighted = [sum(n * w for n, w in zip(row, (1, 2, 7), strict=True)) for row in (own, city)]
    assert level_coefficient(own, city) == Fraction(*weighted)
    assert level_coefficient(city, city) == 1


@given(st.fractions(-100, 300, max_denominator=100), st.sampled_from(["cmi", "elder", "tcm"]))
def test_components_rise_by_whole_steps_to_their_cap(measured, name):
    part = XIAMEN["三级"].components[name]
    wanted = Fraction(0)
    if measured > 0:
        wanted = part.entry
        steps = 1
        while steps * part.step <= measured:
            wanted += Fraction("0.01")
            steps += 1
    assert component_value(measured, part) == min(wanted, part.cap)


@given(st.dictionaries(st.sampled_from(["cmi", "child", "elder", "tcm"]), st.integers(-50, 500)))
def test_no_hospital_passes_its_ceiling_nor_falls_below_its_base(measured):
    for level in XIAMEN.values():
        found = dynamic_coefficient(level, measured)
        if level.components:
            assert level.base <= found.coefficient <= level.ceiling
            assert found.coefficient == level.base + sum(found.parts.values())
        else:
            assert found.coefficient == level.base == Fraction("0.55")


def test_a_ceiling_cuts_the_sum_not_the_parts():
    level = DynamicLevel("0.95", XIAMEN["三级"].components, "1.20")
    found = dynamic_coefficient(level, {"cmi": 200, "child": 200, "elder": 200, "tcm": 200})
    assert found.coefficient == Fraction("1.20")
    assert sum(found.parts.values()) == Fraction("0.27")


def test_a_group_has_coefficients_of_its_own_only_if_levels_differ_the_right_way():
    levels = {"三级": GroupLevel(80, 12000), "二级": GroupLevel(60, 9000)}
    own = {"三级": Fraction(6, 5), "二级": Fraction(9, 10)}
    assert group_coefficients(levels, 10000, min_cases=60) == own
    assert group_coefficients(levels, 10000, min_cases=61) is None
    assert group_coefficients(levels, 10000, min_cases=1, conservative=True) is None
    upside_down = {"三级": GroupLevel(80, 8000), "二级": GroupLevel(60, 9000)}
    assert group_coefficients(upside_down, 8500, min_cases=1) is None
    assert group_coefficients(levels, 0, min_cases=1, primary=True) == {"三级": 1, "二级": 1}


def test_what_no_coefficient_can_be_made_of():
    refused("D402", level_coefficient, [1, 1, 1], [0, 0, 0])
    refused("D407", level_coefficient, [1, 1], [1, 1, 1])
    refused("D403", add_on_coefficient, "0.5", {"assessment": "-0.6"})
    refused("D402", Component, 0, 1)
    refused("D403", Component, 5, -1)
    refused("D402", group_coefficients, {"三级": GroupLevel(1, 1)}, 0, min_cases=1)
    refused("D416", dynamic_coefficient, XIAMEN["三级"], {"beds": 3})
    refused("D401", dynamic_coefficient, XIAMEN["三级"], {"cmi": 0.5})
