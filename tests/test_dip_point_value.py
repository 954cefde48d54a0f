"""What points are worth: budget, settlement, months and the year's end, against fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.dip.errors import DipError
from drg.dip.point_value import (
    hospital_settlement,
    initial_point_value,
    month_payment,
    settlement_point_value,
    year_balance,
)

amounts = st.integers(1, 10**12)
shares = st.integers(0, 100).map(lambda n: Fraction(n, 100))


def refused(code, function, *arguments, **named):
    with pytest.raises(DipError) as caught:
        function(*arguments, **named)
    assert caught.value.code == code
    assert caught.value.message("zh") != caught.value.message("en")


@given(st.lists(st.tuples(amounts, amounts), min_size=3, max_size=3))
def test_the_first_value_is_weighted_cost_over_weighted_score(years):
    cost, score = (sum(row[k] * w for row, w in zip(years, (1, 2, 7), strict=True)) for k in (0, 1))
    found = initial_point_value([c for c, _ in years], [s for _, s in years])
    assert (found.cost * 10, found.score * 10, found.value) == (cost, score, Fraction(cost, score))


@given(amounts, amounts, amounts, amounts)
def test_the_fund_pays_what_it_has(fund, booked, more, score):
    found = settlement_point_value(fund, booked, booked + more, score)
    assert found.value * found.pay_ratio == found.fund_value == Fraction(fund, score)
    assert found.covered * found.pay_ratio == fund


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=6), shares)
def test_with_one_fund_ratio_the_hospitals_share_the_fund(fund, scores, ratio):
    total = sum(scores)
    if not total or not ratio:
        return
    value = settlement_point_value(fund, ratio, 1, total).value
    gross = [hospital_settlement([(score, ratio)], value).gross for score in scores]
    assert sum(gross) == fund


def test_with_a_ratio_a_hospital_the_identity_breaks():
    value = settlement_point_value(1260, 1300, 2000, 175).value
    two = [
        hospital_settlement([(score, r)], value).gross for score, r in ((75, "0.7"), (100, "0.6"))
    ]
    assert sum(two) != 1260
    together = hospital_settlement([(75, "0.7"), (100, "0.6")], value)
    assert together.gross == sum(two)


def test_what_is_owed_below_zero_is_told():
    found = hospital_settlement([(1, 1)], 10, assessment="0.5", audit_deduction=8)
    assert found == (10, -3)
    month = month_payment(10, 1, 30, "0.95", 1)
    assert month == (-20, -20, -1)


@given(amounts, shares, amounts, shares, st.integers(0, 10**6))
def test_a_month_is_prepaid_and_kept(score, value, paid, ratio, deducted):
    found = month_payment(score, value, paid, ratio, deducted)
    assert found.due == score * value - paid
    assert found.prepaid + found.retained + deducted == found.due


@given(amounts, amounts, shares, shares, shares)
def test_the_year_lies_between_what_is_due_and_what_was_booked(due, booked, keep, share, limit):
    found = year_balance(due, booked, retain_ratio=keep, share_ratio=share, reasonable_limit=limit)
    assert found.difference == due - booked
    assert min(due, booked) <= found.final <= max(due, booked)
    if due >= booked:
        assert found.final - booked == keep * (due - booked)
    else:
        assert found.final - due == share * min(booked - due, limit * due)


def test_an_overspend_of_a_hospital_owed_nothing_is_not_shared():
    assert year_balance(-5, 10, share_ratio=1, reasonable_limit=1).final == -5


def test_what_has_no_point_value():
    refused("D402", initial_point_value, [1, 1, 1], [0, 0, 0])
    refused("D407", initial_point_value, [1, 1], [1, 1])
    refused("D402", settlement_point_value, 1, 0, 1, 1)
    refused("D402", settlement_point_value, 1, 1, 1, 0)
    refused("D417", settlement_point_value, 1, 3, 2, 1)
    refused("D417", hospital_settlement, [(1, 2)], 1)
    refused("D403", hospital_settlement, [(-1, 1)], 1)
    refused("D415", month_payment, 1, 1, 1, "1.5")
    refused("D415", year_balance, 1, 1, share_ratio="-0.1")
    refused("D401", year_balance, 1.0, 1)
