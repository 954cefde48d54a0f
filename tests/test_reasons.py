"""The register of reason codes is whole, and covers whatever the shipped schemes can say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drg import reasons, text
from drg.payment.pricing.price_columns import NOTE_CODES, ROUTE_CODES
from drg.reasons import ReasonError, reason_codes, reason_page, reason_title
from drg.schemes.catalog import list_schemes, load_scheme

#: Codes that the groupers make themselves.
MADE_BY_ENGINE = {"E130", "U201", "U202", "U203", "V501", "V502", "N401", "N402", "N403"}
#: Codes that matching with a DIP catalogue makes beside those.
MADE_BY_DIP = {f"U{number}" for number in range(211, 216)} | {f"N{n}" for n in range(430, 436)}
#: Notes of a run with weights.
MADE_BY_WEIGHTS = {"N420", "N421", "N422", "N423"}
#: Findings of the check alone.
MADE_BY_CHECK = {"N410", "N411", "N412", "N413"}
#: Routes of priced claims, and why claims are not paid.
MADE_BY_PRICING = {*ROUTE_CODES, *NOTE_CODES}
#: Findings of a month's settlement beside those of pricing.
MADE_BY_SETTLING = {f"P{number}" for number in range(660, 667)}
#: Findings of a year's clearing.
MADE_BY_CLEARING = {f"P{number}" for number in range(690, 700)}
#: Why a visit's benefits are not settled.
MADE_BY_BENEFITS = {f"N{number}" for number in range(501, 510)}
VARIANTS = [(info.id, compat) for info in list_schemes() for compat in (None, *info.compat)]


@pytest.fixture(scope="module")
def used_of() -> dict[tuple[str, str | None], set[str]]:
    """Codes that the checks and the rows of every shipped scheme name."""
    found = {}
    for variant in VARIANTS:
        scheme = load_scheme(*variant)
        found[variant] = {row.check for row in scheme.checks} | {row.reason for row in scheme.adrgs}
    return found


@pytest.mark.parametrize("variant", VARIANTS)
def test_register_covers_every_code_of_the_shipped_tables(used_of, variant) -> None:
    used = used_of[variant] - {""}
    assert used
    assert used <= set(reason_codes())


def test_every_page_is_used(used_of) -> None:
    used = MADE_BY_ENGINE | MADE_BY_WEIGHTS | MADE_BY_CHECK | MADE_BY_PRICING
    used |= MADE_BY_CLEARING | MADE_BY_SETTLING | MADE_BY_DIP | MADE_BY_BENEFITS
    used = used.union(*used_of.values())
    assert used - {""} == set(reason_codes())


@pytest.mark.parametrize("code", reason_codes())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_page_has_every_part(code: str, lang: str) -> None:
    page = reason_page(code.lower(), lang)
    assert page.code == code
    lines = page.lines(lang)
    assert lines[0] == f"{code} {reason_title(code, lang)}"
    assert len(lines) == 7
    assert all(line.strip() and "{" not in line for line in lines)
    assert bool(re.search("[一-鿿]", page.what)) == (lang == "zh")


def test_level_follows_from_the_letter() -> None:
    letter = {"reject": "E", "ungroupable": "U", "ambiguous": "Q", "version": "V", "note": "N"}
    letter |= {"payment": "P", "unpaid": "P"}
    for code in reason_codes():
        assert code.startswith(letter[reason_page(code).level])


def test_unknown_code_names_the_known_ones() -> None:
    with pytest.raises(ReasonError, match=r"E999.*E101") as caught:
        reason_page("E999")
    assert caught.value.exit_code == 2
    assert reason_title("E999") == ""


@pytest.mark.parametrize(
    "broken",
    [
        '[E101]\nlevel = "reject"\n',
        '[E101]\ntitle_zh = "a"\n[E101]\ntitle_zh = "b"\n',
        '[T101]\nlevel = "reject"\n',
    ],
)
def test_hole_or_duplicate_in_the_register_is_an_error(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    whole = (text._FOLDER / "reasons.toml").read_text("utf-8")
    entry = whole[whole.index("[E102]") : whole.index("[E110]")]
    if "T101" in broken:
        broken = entry.replace("[E102]", "[T101]")
    (folder / "reasons.toml").write_text(broken, "utf-8")
    (folder / "errors.toml").write_bytes((text._FOLDER / "errors.toml").read_bytes())
    monkeypatch.setattr(text, "_FOLDER", folder)
    text.catalogue.cache_clear()
    reasons._register.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"E101|T101|overwrite|twice|redefin"):
            reason_codes()
    finally:
        monkeypatch.undo()
        text.catalogue.cache_clear()
        reasons._register.cache_clear()


def test_outcomes_page_lists_every_code() -> None:
    page = (Path(__file__).parents[1] / "docs" / "outcomes.md").read_text("utf-8")
    for code in reason_codes():
        assert f"| {code} | {reason_title(code, 'en')} |" in page
    assert set(re.findall(r"^\| ([A-Z]\d{3}) \|", page, re.MULTILINE)) == set(reason_codes())
