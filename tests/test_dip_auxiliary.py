"""Auxiliary types: classes, coefficients, triggers; groups with rules of their own."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drg.dip.auxiliary import (
    ICU_BANDS,
    AgeClass,
    Band,
    age_class,
    age_class_of,
    applied_subtype,
    band_name,
    class_name,
    completed_years,
    icu_class,
    subtype_coefficients,
    trigger,
)
from drg.dip.errors import DipError
from drg.dip.model import Comorbidity
from drg.dip.severity import (
    Severity,
    TumourSeverity,
    cci_points,
    metastasis,
    severity,
    tumour_severity,
)
from drg.dip.special import assisted_by_tumour, burn_group, low_birth_weight, place_of

days = st.dates(date(1900, 1, 1), date(2026, 12, 31))


def refused(code, function, *arguments, **named):
    with pytest.raises(DipError) as caught:
        function(*arguments, **named)
    assert caught.value.code == code
    assert caught.value.message("zh") != caught.value.message("en")


# ---- coefficients


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9)),
    st.lists(st.sampled_from("abcde")),
)
def test_the_highest_alone_counts_and_the_first_of_equals(means, matched):
    found = subtype_coefficients(4, means)
    assert found == {name: Fraction(mean, 4) for name, mean in means.items()}
    own = [name for name in means if name in matched]
    best = max((means[name] for name in own), default=None)
    wanted = next((name for name in own if means[name] == best), None)
    assert applied_subtype(found, matched) == wanted


def test_a_trigger_needs_all_three():
    asked = {"min_group": 300, "min_subtype": 15, "min_cv_drop": "0.2"}
    assert trigger(301, 16, 1, "0.8", **asked).triggered
    assert not trigger(301, 16, 1, "0.8", **asked, drop_inclusive=False).triggered
    assert not trigger(300, 16, 1, "0.8", **asked).triggered
    assert trigger(300, 15, 1, "0.8", **asked, counts_inclusive=True).triggered
    assert not trigger(301, 16, 1, "0.81", **asked).triggered
    refused("D402", trigger, 301, 16, 0, 0, **asked)
    refused("D402", subtype_coefficients, 0, {})


# ---- age


@given(days, st.integers(0, 40_000), st.sampled_from([60, 65, 66]))
def test_ages_by_the_calendar(birth, lived, elder):
    day = birth + timedelta(days=lived)
    years = completed_years(birth, day)
    # A birthday is the day on which the count rises, whatever the length of years.
    assert years == sum(
        1
        for y in range(birth.year + 1, day.year + 1)
        if (birth.month, birth.day) <= ((day.month, day.day) if y == day.year else (12, 31))
    )
    found = age_class(birth, day, elder_from=elder)
    if lived <= 28:
        wanted = AgeClass.NEWBORN
    elif years == 0:
        wanted = AgeClass.INFANT
    elif years <= 6:
        wanted = AgeClass.YOUNG
    elif years <= 17:
        wanted = AgeClass.SCHOOL
    else:
        wanted = AgeClass.ELDER if years >= elder else AgeClass.ADULT
    assert found is wanted
    assert age_class_of(years, lived, elder_from=elder) is wanted


def test_an_age_that_is_not_reported_is_not_guessed():
    assert age_class_of(None) is None
    assert age_class_of(0) is None
    assert age_class_of(None, 29) is None
    assert age_class_of(None, 28) is AgeClass.NEWBORN
    assert age_class_of(7) is AgeClass.SCHOOL
    refused("D418", age_class, date(2024, 1, 2), date(2024, 1, 1))
    refused("D403", age_class_of, -1)


def test_classes_have_names_in_both_languages():
    for kind in (AgeClass, Severity, TumourSeverity):
        for member in kind:
            assert class_name(member, "zh") != class_name(member, "en")
    assert class_name(AgeClass.ELDER, "zh", elder_from=66) == "66岁及以上"
    assert [band_name(band, "zh") for band in ICU_BANDS] == [
        "2-7天", "8-14天", "15-30天", "31天及以上",
    ]  # fmt: skip


# ---- intensive care


@given(st.integers(0, 60))
def test_bands_of_days(count):
    inside = [b for b in ICU_BANDS if b.first <= count and (b.last is None or count <= b.last)]
    assert icu_class(count) == (inside[0] if inside else None)
    assert icu_class(count + Fraction(1, 2)) == icu_class(count)
    assert icu_class(None) is None


def test_bands_that_overlap():
    refused("D419", icu_class, 3, [Band(2, 7), Band(7, 9)])
    refused("D419", icu_class, 3, [Band(2, None), Band(8, 9)])
    refused("D419", icu_class, 3, [Band(9, 2)])
    refused("D403", icu_class, -1)


# ---- severity


@given(st.one_of(st.none(), st.integers(0, 9)), st.booleans(), st.booleans(), st.booleans())
def test_severity_is_the_first_class_that_holds(los, died, failure, damage):
    found = severity(los, died, organ_failure=failure, organ_damage=damage)
    if died:
        assert found is Severity.DEATH
    elif not failure and not damage:
        assert found is Severity.MILD
    elif los is None:
        assert found is None
    elif los > 3:
        assert found is (Severity.SEVERE if failure else Severity.MODERATE)
    else:
        assert found is Severity.MILD
    third = severity(3, died, organ_failure=failure, organ_damage=damage, inclusive=True)
    assert third is severity(4, died, organ_failure=failure, organ_damage=damage)


@given(
    st.integers(0, 9),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 100),
    st.integers(0, 50),
    st.integers(0, 50),
)
def test_a_tumours_severity_with_all_reported(los, failure, damage, spread, cost, care, drugs):
    found = tumour_severity(
        los,
        False,
        organ_failure=failure,
        organ_damage=damage,
        metastasis=spread,
        cost=cost,
        standard=20,
        treatment_cost=care,
        drug_cost=drugs,
    )
    tests = {
        TumourSeverity.COSTLY_TREATMENT: cost >= 60 and 2 * care >= cost,
        TumourSeverity.COSTLY_DRUGS: cost >= 60 and 2 * drugs >= cost,
        TumourSeverity.METASTASIS: spread and los > 3,
        TumourSeverity.ORGAN_FAILURE: failure and los > 3,
        TumourSeverity.ORGAN_DAMAGE: damage and los > 3,
        TumourSeverity.OTHER: True,
    }
    assert found is next(name for name, holds in tests.items() if holds)


def test_a_tumours_severity_that_cannot_be_told():
    known = {"organ_failure": False, "organ_damage": False, "metastasis": False}
    assert tumour_severity(9, True, **known) is TumourSeverity.DEATH
    assert tumour_severity(9, False, **known) is None
    cheap = {"cost": 10, "standard": 20}
    assert tumour_severity(9, False, **known, **cheap) is TumourSeverity.OTHER
    dear = {"cost": 60, "standard": 20}
    assert tumour_severity(9, False, **known, **dear, drug_cost=60) is None
    assert tumour_severity(None, False, **(known | {"metastasis": True}), **cheap) is None
    refused("D403", tumour_severity, 9, False, **known, cost=-1, standard=2)


def test_metastasis_is_a_malignant_tumour_of_another_category():
    assert metastasis("C34.100", ["c79.300x001"])
    assert not metastasis("C34.100", ["C34.900", "D38.100", "I10.x00"])


def test_comorbidities_count_once_and_grave_ones_replace_mild_ones():
    table = [
        Comorbidity("heart", 1, ("I50",)),
        Comorbidity("liver", 1, ("K70-K74",)),
        Comorbidity("liver failure", 3, ("K72",), replaces="liver"),
    ]
    assert cci_points([], table) == 0
    assert cci_points(["I50.000", "I50.900"], table) == 1
    assert cci_points(["K70.300", "I50.900"], table) == 2
    assert cci_points(["K70.300", "K72.000", "I50.900"], table) == 4


# ---- groups with rules of their own


@given(st.integers(0, 40), st.integers(0, 3000), st.sampled_from(["P07.100", "P07.x", "P08.000"]))
def test_newborns_of_low_weight(age, weight, principal):
    bounds = [("AI1", 0, 749), ("AI2", 750, 999), ("AI3", 1000, 1499), ("AI4", 1500, 1999)]
    bounds.append(("AI5", 2000, 2499))
    wanted = [group for group, low, high in bounds if low <= weight <= high]
    if age >= 29 or not principal.startswith("P07"):
        wanted = []
    assert low_birth_weight(principal, age, weight) == (wanted[0] if wanted else None)
    assert low_birth_weight(principal, age, None) is None
    assert low_birth_weight(principal, None, weight) is None


def test_courses_of_chemotherapy_by_their_tumour():
    both = assisted_by_tumour("Z51.100", ["C95.9", "C00.0"], ["化疗", "放疗"])
    assert both.tumour == ("C00", "C75")
    assert both.treatments == ("化疗",)
    assert assisted_by_tumour("Z51.100", ["C34.1"], ["靶向"]) is None
    assert assisted_by_tumour("Z51.100", ["C76.0", "C90.0"], ["化疗"]) is None
    assert assisted_by_tumour("Z51.1", ["C91.0"], ["免疫", "化疗"]).treatments == ("化疗", "免疫")


def test_burns_by_age_degree_and_area():
    found = burn_group("T21.200", ["T31.100", "T31.400"], 17)
    assert found == (True, False, False, 2, 4)
    assert burn_group("T29.700", ["T32.900"], 18) == (False, True, True, 3, 9)
    assert burn_group("T29.700", ["T31.900"], 18) is None
    assert burn_group("T26.100", ["T31.100"], 30) is None
    assert burn_group("T21", ["T31.100"], 30) is None
    assert burn_group("T21.200", [], 30) is None
    assert burn_group("T21.200", ["T31.100"], None) is None


def test_a_code_stands_for_its_letters():
    assert place_of(" n40 ") == ("N40", "", "N40")
    assert place_of("N40.x00x001") == ("N40.X00X001", "N40.X", "N40")
