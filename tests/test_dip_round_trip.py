"""A catalogue built from claims drawn for Tai'an's groups finds these groups again."""

from __future__ import annotations

from pathlib import Path

import pytest
from dip_round_trip import CLAIM_FATES, GROUP_FATES, lines, round_trip

THRESHOLD = 15


@pytest.mark.parametrize(
    ("claims", "enough", "recovered", "own"),
    [
        pytest.param(150_000, 1_500, 0.90, 0.80, id="small"),
        pytest.param(2_000_000, 5_000, 0.88, 0.90, id="large", marks=pytest.mark.long),
    ],
)
def test_every_group_and_every_claim_is_found_again_or_explained(
    tmp_path: Path, claims: int, enough: int, recovered: float, own: float
) -> None:
    found = round_trip(claims, 20260101, tmp_path / "built", THRESHOLD)
    told = "\n".join(lines(found))
    assert found.unexplained == [], told
    assert found.enough > enough, told
    fates = dict.fromkeys(GROUP_FATES, 0)
    for (_, fate), count in found.groups.items():
        fates[fate] += count
    assert sum(fates.values()) == found.enough
    assert fates["recovered"] > recovered * found.enough, told
    assert fates["noise"] + fates["quiet"] + fates["capped"] < 0.02 * found.enough, told
    assert found.went.keys() <= CLAIM_FATES.keys(), told
    assert found.went.total() == claims
    assert found.went["own"] > own * claims, told
    assert found.built.scores.overall.cases == claims
    # The build counts for each group the very claims that the kernel gives it.
    assert found.taken == {group.code: group.cases for group in found.built.catalogue.groups}
