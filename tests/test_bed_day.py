"""Bed-day and capitation: worked cases, a slow exact oracle, and broken input."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from case_rules_mechanisms import day_factors
from drawn_amounts import FEN, RATIO, STANDARD, flags, half_up, ints
from hypothesis import given
from hypothesis import strategies as st

from drg.errors import TableError
from drg.payment.mechanisms.bed_day import (
    Tier,
    class_share_fund,
    covered,
    day_price,
    first_of_year,
    fund_less_patient,
    gross_fen,
    package,
    stay_check,
    variable_per_diem,
)
from drg.payment.mechanisms.community import advances, assessed_result, package_result, split
from drg.payment.mechanisms.outpatient import institution_result, visit_payments
from drg.payment.policy import BedDay, BedDayPackage, DayFactor
from drg.payment.policy.catalog import list_policies

# ---- D. bed-day

TIERS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(0, 10**6)), min_size=1, max_size=6
).flatmap(lambda steps: st.tuples(st.just(steps), st.booleans()))


def made_tiers(drawn):
    steps, is_open = drawn
    ends = np.cumsum([size for size, _ in steps]).tolist()
    tiers = [Tier(end, price) for end, (_, price) in zip(ends, steps, strict=True)]
    if is_open:
        tiers[-1] = tiers[-1]._replace(last_day=None)
    return tiers


def slow_day(tiers, day):
    return next(t.per_diem for t in tiers if t.last_day is None or day <= t.last_day)


@given(TIERS, st.lists(st.integers(0, 300), min_size=1), RATIO)
def test_tiers_are_what_day_by_day_adds_up_to(drawn, days, factor):
    tiers = made_tiers(drawn)
    reach = covered(ints(days), tiers)
    last = tiers[-1].last_day
    assert reach.tolist() == [last is None or day <= last for day in days]
    known = ints(days)[reach]
    wanted = [
        half_up(sum(slow_day(tiers, d) for d in range(1, n + 1)) * factor) for n in known.tolist()
    ]
    assert gross_fen(known, tiers, factor).tolist() == wanted
    if not reach.all():
        with pytest.raises(ValueError, match="longer"):
            gross_fen(ints(days), tiers, factor)


@pytest.mark.parametrize("ends", [(30, 30), (None, 30), (40, 30), (0,)])
def test_tiers_stand_in_order(ends):
    with pytest.raises(ValueError, match="rising"):
        covered(ints([1]), [Tier(end, 1) for end in ends])


def test_no_tier_no_price():
    assert covered(ints([0, 1]), []).tolist() == [True, False]


def bed_day(**parts):
    return BedDay(id="psy", title_zh="精神", title_en="psychiatry", match={}, **parts)


RATES = [
    {"per_diem": "84", "hospital_level": "一级"},
    {"per_diem": "112", "hospital_level": "二级", "to_day": 60},
    {"per_diem": "100", "hospital_level": "二级", "from_day": 61},
    {"per_diem": "179", "hospital_level": "三级", "in_force": ["2017-01-01", ""]},
    {"per_diem": "150", "hospital_level": "三级", "category": "儿童"},
    {"per_diem": "223", "hospital": "H9"},
    {"per_diem": "70"},
]


def test_the_price_of_a_kind_of_stay():
    rule = bed_day(rates=RATES, category_factors={"低收入": "0.8", "儿童": "0.5"})
    one = day_price(rule, hospital_level=" 一级")
    assert (one.tiers, one.factor) == ((Tier(None, 8400),), 1)
    assert day_price(rule, hospital_level="二级").tiers == (Tier(60, 11200), Tier(None, 10000))
    low = day_price(rule, hospital_level="二级", category="低收入")
    assert low.factor == Fraction("0.8")
    day = date(2020, 1, 1)
    assert day_price(rule, hospital_level="三级", on=day).tiers[0].per_diem == 17900
    # Without a day of discharge dated rates hold for nobody; what is left is the one for all.
    assert day_price(rule, hospital_level="三级").tiers[0].per_diem == 7000
    child = day_price(rule, hospital_level="三级", category="儿童", on=day)
    assert (child.tiers[0].per_diem, child.factor) == (15000, 1)
    assert day_price(rule, hospital_level="三级", hospital="H9").tiers[0].per_diem == 22300
    assert day_price(rule, hospital_level="三级甲等", on=day).tiers[0].per_diem == 17900
    assert day_price(bed_day(rates=RATES[:1]), hospital_level="三级") is None


@pytest.mark.parametrize(
    ("insurance", "category", "factor"),
    [("390", "老年", "0.8"), ("居民", "老年", "0.8"), ("310", "老年", "1"), ("", "老年", "1"),
     ("310", "儿童", "0.5"), ("390", "儿童", "0.6"), ("390", "", "1")],
)  # fmt: skip
def test_a_category_may_count_in_one_insurance(insurance, category, factor):
    factors = {"390|老年": "0.8", "儿童": "0.5", "390|儿童": "0.6"}
    rule = bed_day(rates=[{"per_diem": "100"}], category_factors=factors)
    found = day_price(rule, insurance=insurance, category=category)
    assert found.factor == Fraction(factor)


def test_every_shipped_rate_holds_for_its_own_scope():
    seen = 0
    for policy in list_policies():
        for rule, rate in ((kind, row) for kind in policy.bed_day for row in kind.rates):
            found = day_price(
                rule, insurance=rate.insurance, hospital_level=rate.hospital_level,
                hospital=rate.hospital, category=rate.category, on=rate.in_force.start,
            )  # fmt: skip
            assert rate.per_diem in [tier.per_diem for tier in found.tiers], policy.id
            seen += 1
    assert seen


@pytest.mark.parametrize(
    "spans", [((1, 30), (30, None)), ((1, 30), (32, None)), ((2, None),), ((1, None), (5, None))]
)
def test_rates_that_do_not_join_are_refused(spans):
    rule = bed_day(rates=[{"per_diem": "1", "from_day": a, "to_day": b} for a, b in spans])
    with pytest.raises(TableError, match="P416"):
        day_price(rule)


def test_day_factors_reach_every_day():
    for spans in (((1, 5),), (), ((1, 2), (4, None))):
        rows = [DayFactor(from_day=a, to_day=b, factor="1") for a, b in spans]
        with pytest.raises(TableError, match="P416"):
            variable_per_diem(ints([1]), flags([True]), rows, 1)


@given(st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=1), st.integers(0, 10**6))
def test_day_factors_are_what_day_by_day_adds_up_to(stays, base):
    rows = day_factors("FY2006-2024")

    def factor(day, emergency):
        row = next(r for r in rows if r.from_day <= day <= (r.to_day or day))
        return row.emergency_factor if emergency and row.emergency_factor else row.factor

    wanted = [sum((factor(d, e) for d in range(1, n + 1)), Fraction(0)) for n, e in stays]
    days, emergency = zip(*stays, strict=True)
    found = variable_per_diem(ints(days), flags(emergency), rows, base)
    assert [Fraction(s, 10**6) for s in found.factor_sum_e6.tolist()] == wanted
    assert found.gross.tolist() == [half_up(base * total) for total in wanted]


@given(FEN, st.tuples(FEN, FEN, STANDARD), RATIO, RATIO, RATIO, FEN)
def test_class_shares_and_their_cap(gross, charges, ratio_a, ratio_b, cap, advance):
    a, b, rest = charges
    whole = a + b + rest
    columns = [ints([n]) for n in (gross, a, b, whole)]
    found = class_share_fund(*columns, ratio_a, ratio_b, cap=cap + 1, advance=ints([advance]))
    exact = gross * (ratio_a * Fraction(a, whole) + ratio_b * Fraction(b, whole))
    assert found.computed.item() == half_up(exact)
    assert found.payable.item() == half_up(min(exact, advance * (cap + 1)))
    free = class_share_fund(*columns, ratio_a, ratio_b)
    assert free.payable.item() == half_up(exact)


def test_a_cap_needs_the_advance():
    one = ints([1])
    with pytest.raises(ValueError, match="advance"):
        class_share_fund(one, one, one, one, Fraction(1), Fraction(1), cap=Fraction(1))


def test_the_fund_is_never_below_zero():
    assert fund_less_patient(ints([100, 100]), ints([30, 130])).tolist() == [70, 0]


@pytest.mark.parametrize("acute", [True, False])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("days", [56, 57])
@pytest.mark.parametrize("once", [True, False])
def test_where_the_package_holds(acute, first, days, once):
    rule = BedDayPackage(package="15000.01", max_days=56, patient_ratio="0.10", once_a_year=once)
    found = package(flags([acute]), flags([first]), ints([days]), rule)
    holds = acute and days <= 56 and (first or not once)
    assert found.applies.tolist() == [holds]
    assert (found.fund.item(), found.patient.item()) == ((1_350_001, 150_000) if holds else (0, 0))


STAYS = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from([2024, 2025]), st.integers(0, 5), st.booleans(),
        st.booleans(),
    )
)  # fmt: skip


@given(STAYS)
def test_the_first_stay_of_a_year(stays):
    seen, wanted = set(), [False] * len(stays)
    for n in sorted(range(len(stays)), key=lambda n: (stays[n][2], n)):
        person, year, _, candidate, used = stays[n]
        if candidate and (person, year) not in seen:
            seen.add((person, year))
            wanted[n] = not used
    columns = list(zip(*stays, strict=True)) or [()] * 5
    found = first_of_year(*map(ints, columns[:3]), *map(flags, columns[3:]))
    assert found.tolist() == wanted


def test_a_bound_that_is_not_set_is_not_judged():
    share = {"一级": Fraction("0.03"), "": Fraction("0.05")}
    checks = [
        stay_check(Fraction(60), Fraction("0.03"), level, max_average_days=60, self_pay_max=share)
        for level in ("一 级", "三级")
    ]
    assert checks == [(True, True), (True, True)]
    assert stay_check(
        Fraction(61), Fraction(1), "二级", max_average_days=None, self_pay_max={"一级": Fraction(0)}
    ) == (None, None)


# ---- E. capitation

VISITS = st.lists(
    st.tuples(
        st.integers(0, 3),  # person
        st.integers(0, 6),  # day
        st.integers(0, 30_000),  # cost
        st.booleans(),  # eligible
        st.sampled_from([2024, 2025]),
    ),
    max_size=30,
)


@given(
    VISITS,
    RATIO,
    st.integers(0, 20_000) | st.none(),
    st.integers(0, 3000),
    st.lists(st.integers(0, 15_000), min_size=8, max_size=8),
)
def test_visits_one_by_one(visits, ratio, cap, deductible, before):
    used = dict(zip(product(range(4), (2024, 2025)), before, strict=True))
    spent, wanted = dict(used), [0] * len(visits)
    for n in sorted(range(len(visits)), key=lambda n: (visits[n][1], n)):
        person, _, cost, eligible, year = visits[n]
        pay = half_up(max(0, cost - deductible) * ratio) if eligible else 0
        if cap is not None:
            pay = min(pay, max(0, cap - spent[person, year]))
        spent[person, year] += pay
        wanted[n] = pay
    columns = list(zip(*visits, strict=True)) or [()] * 5
    found = visit_payments(
        *map(ints, columns[:3]),
        flags(columns[3]),
        ratio,
        cap=cap,
        deductible=deductible,
        used_before=ints([used[v[0], v[4]] for v in visits]),
        year=ints(columns[4]),
    )
    assert found.tolist() == wanted
    assert found.dtype == np.int64


def test_a_month_in_two_parts_comes_to_the_same():
    rng = np.random.default_rng(7)
    person, cost = rng.integers(0, 500, 5000), rng.integers(0, 9000, 5000)
    day, yes, ratio = np.sort(rng.integers(0, 365, 5000)), np.ones(5000, np.bool_), Fraction("0.6")
    whole = visit_payments(person, day, cost, yes, ratio, cap=10_000)
    first = visit_payments(person[:2000], day[:2000], cost[:2000], yes[:2000], ratio, cap=10_000)
    used = np.zeros(500, np.int64)
    np.add.at(used, person[:2000], first)
    rest = visit_payments(
        person[2000:], day[2000:], cost[2000:], yes[2000:], ratio,
        cap=10_000, used_before=used[person[2000:]],
    )  # fmt: skip
    assert np.concatenate([first, rest]).tolist() == whole.tolist()
    assert np.bincount(person, weights=whole).max() <= 10_000


def test_costs_beyond_any_ceiling_do_not_overflow():
    many = np.full(4000, 10**15, np.int64)
    zero, yes = np.zeros(4000, np.int64), np.ones(4000, np.bool_)
    paid = visit_payments(zero, zero, many, yes, Fraction(1), cap=10**10)
    assert paid.tolist() == [10**10, *[0] * 3999]
    with pytest.raises(OverflowError):
        visit_payments(zero, zero, many * 9000, yes, Fraction(1), cap=9 * 10**18)


@given(st.integers(0, 10**6), FEN, st.integers(0, 10**5), RATIO, RATIO)
def test_an_institutions_year(enrolled, reimbursed, per_head, keep, share):
    found = institution_result(enrolled, reimbursed, per_head, keep, share)
    assert found.capitation == enrolled * per_head
    assert found.result == found.capitation - reimbursed
    if found.result >= 0:
        assert found.final == reimbursed + half_up(found.result * keep)
    else:
        assert found.final == found.capitation + half_up(-found.result * share)
    assert min(reimbursed, found.capitation) <= found.final <= max(reimbursed, found.capitation)


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_parts_of_a_balance_add_up_to_it(amount, sizes):
    whole = sum(sizes)
    shares = {f"m{n}": Fraction(size, whole or 1) for n, size in enumerate(sizes)}
    if not whole:
        with pytest.raises(ValueError, match="add up to 1"):
            split(amount, shares)
        return
    parts = split(amount, shares)
    assert sum(parts.values()) == amount
    assert all(abs(parts[key] - amount * shares[key]) < 1 for key in shares)


@given(FEN, FEN, RATIO, RATIO, RATIO)
def test_an_assessed_package_adds_up(whole, spend, assessment, share, limit):
    found = assessed_result(whole, spend, assessment, share, limit)
    assert found.balance == whole - spend
    if found.balance >= 0:
        assert found.retained == half_up(found.balance * assessment)
        assert found.retained + found.returned == found.balance
        assert (found.fund_extra, found.community_bears) == (0, 0)
    else:
        over = min(Fraction(-found.balance), whole * limit)
        assert found.fund_extra == half_up(over * share)
        assert found.fund_extra + found.community_bears == -found.balance
        assert (found.retained, found.returned) == (0, 0)


def test_a_package_has_one_way_of_reckoning():
    assert package_result(10, 20, heads=3, per_head=15) == (45, 15)
    for wrong in (
        {},
        {"fund": 1},
        {"fund": 1, "ratio": Fraction(1), "heads": 1, "per_head": 1},
        {"fund": -1, "ratio": Fraction(1)},
    ):
        with pytest.raises(ValueError, match="package"):
            package_result(0, 0, **wrong)
    with pytest.raises(ValueError, match="between 0 and 1"):
        assessed_result(1, 1, Fraction(2), Fraction(0), Fraction(0))
    with pytest.raises(ValueError, match="negative"):
        assessed_result(-1, 1, Fraction(1), Fraction(0), Fraction(0))
    with pytest.raises(ValueError, match="negative"):
        institution_result(-1, 0, 0)


def test_months_paid_ahead_add_up():
    months = advances(100_000_001, Fraction("0.9"))
    assert len(months) == 12
    assert sum(months) == 90_000_001
    assert max(months) - min(months) <= 1
