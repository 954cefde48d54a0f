"""A period priced where its claims lie: cut in any way, every claim comes to what it comes to."""

from __future__ import annotations

import random
from itertools import pairwise

import made_dip
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_price import PRIOR, decisions, frame, months, policies, weights

from drg.claims.profiles import match_columns
from drg.payment.policy import BedDay, BedDayMatch, BedDayPackage, Policy
from drg.payment.pricing.apart import Apart, Meeting, reads_ids_alone
from drg.payment.pricing.price import Pricer, price_frame

__all__ = ["weights"]  # the fixture


def priced_apart(
    parts: list[pl.DataFrame], rule: Policy, given_: pl.DataFrame | None = None, **more: object
) -> tuple[pl.DataFrame, int]:
    """The parts priced one by one, each by a pricer of its own; and how many claims met."""
    columns = match_columns(parts[0].columns, parts[0].schema)
    every = [Apart(Pricer(rule, decisions=given_, **more)) for _ in parts]  # type: ignore[arg-type]
    ids = [columns.scalars["claim_id"]] if reads_ids_alone(rule) else parts[0].columns
    tallies = [a.tally(part.select(ids), columns) for a, part in zip(every, parts, strict=True)]
    summed = pl.concat(tallies).group_by("kind", "key", "month").agg(pl.col("rows").sum())
    meeting = Meeting.of(summed.sql(f"SELECT * FROM self WHERE {Meeting.matters()}"))
    done, met = [], []
    for apart, part in zip(every, parts, strict=True):
        meets, priced = apart.alone(part, meeting)
        assert meets.tolist() == apart.meets(part, meeting).tolist()
        whole = part.with_row_index("at").hstack(priced)
        done.append(whole.filter(~pl.Series(meets)))
        met.append(part.filter(meets))
    together = pl.concat(met)
    assert meeting.empty == together.is_empty()
    last = together.with_row_index("at").hstack(every[0].together(together, meeting))
    return pl.concat([*done, last]).drop("at"), together.height


def alike(first: pl.DataFrame, second: pl.DataFrame) -> bool:
    def plain(priced: pl.DataFrame) -> pl.DataFrame:
        texts = priced.with_columns(
            pl.col(pl.List(pl.String)).list.join("|"), pl.col(pl.Enum).cast(pl.String)
        )
        return texts.sort(pl.all(), nulls_last=True)

    return plain(first).equals(plain(second))


#: A stay of it gets the package if it is its person's first of the year.
PACKAGE = BedDay(
    id="package", title_zh="套餐", title_en="package", match=BedDayMatch(care_types=("21",)),
    package=BedDayPackage(package="8000", max_days=12, patient_ratio="0.2"),
)  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_cut_of_any_month(weights: str, data: st.DataObject) -> None:
    check_month(weights, data)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_cut_of_many_months(weights: str, data: st.DataObject) -> None:
    check_month(weights, data)


def check_month(weights: str, data: st.DataObject) -> None:
    rule = data.draw(policies(weights))
    if data.draw(st.booleans()):
        rule = rule.model_copy(update={"bed_day": (*rule.bed_day, PACKAGE)})
    month = frame(data.draw(months()))
    cuts = sorted(data.draw(st.sets(st.integers(0, month.height), max_size=4)) | {0, month.height})
    parts = [month[a:b] for a, b in pairwise(cuts)] or [month]
    found, _ = priced_apart(parts, rule, decisions(), prior=PRIOR)
    assert alike(found, price_frame(month, rule, decisions=decisions(), prior=PRIOR))


def test_scores_and_few_that_meet() -> None:
    rule = made_dip.policy(review={"cap": "0.1"})
    month = made_dip.frame(made_dip.month(300, random.Random(3)))
    told = pl.DataFrame(
        [(claim, "special_review", "by_item") for claim in month["claim_id"][:9]],
        schema=["claim_id", "matter", "decision"], orient="row",
    )  # fmt: skip
    found, met = priced_apart([month[:99], month[99:100], month[100:]], rule, told)
    assert alike(found, price_frame(month, rule, decisions=told))
    assert 0 < met <= 9
