"""Pages as a browser shows them: no error, no network, nothing wider than the screen or paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser, find_chromium
from made_reports import report, settle

from drg.reports.kpi.page import write_kpi_page
from drg.scale.fund_file import fund_report, write_fund

#: A common laptop's screen; A4 across and upright less margins, at 96 points an inch.
SCREEN, ACROSS = 1366, 1032
PAGES = {"fund": 3, "kpi": 6}


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine: the pages are not looked at")
    with browser(program) as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every page in both languages, of two made-up months of three hospitals."""
    folder = tmp_path_factory.mktemp("pages")
    months = [settle(folder / f"2025-0{n}", 400, 3, n, f"2025-0{n}") for n in (1, 2)]
    plan = folder / "plan.csv"
    rows = [f"H{n},{kind},90000000" for n in range(3) for kind in (310, 390)]
    plan.write_text("\n".join(["unit,insurance,amount", *rows]) + "\n", "utf-8")
    accounts = folder / "accounts.csv"
    accounts.write_text("insurance,period,income,spending,opening\n310,2025,9,8,7\n", "utf-8")
    fund = fund_report(months, plan=plan, fund=accounts)
    for lang in ("zh", "en"):
        (folder / lang).mkdir()
        write_fund(fund, folder / lang, lang=lang)
        write_kpi_page(folder / lang / "kpi.html", report(), lang=lang)
    return folder


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_the_screen_and_the_paper(
    tab: Browser, pages: Path, name: str, lang: str
) -> None:
    page = pages / lang / f"{name}.html"
    for width, media in ((SCREEN, "screen"), (ACROSS, "print")):
        seen = tab.open(page, width, media=media)
        assert tab.said == [], "the console is silent"
        assert seen["over"] == [], (width, seen)
        assert seen["width"] <= seen["room"] == width
        assert seen["outside"] == [], "texts of a chart lie inside it"
        assert seen["drawings"] >= PAGES[name]
        assert seen["sources"] == 0
        assert seen["text"] > 500
    assert len(tab.picture()) > 20_000


def test_the_browser_would_tell(tab: Browser, tmp_path: Path) -> None:
    """A page that is too wide, asks the network and says something is found out."""
    page = tmp_path / "bad.html"
    page.write_text(
        '<title>x</title><body><div style="width:3000px">wide</div>'
        '<script>console.error("oh")</script><img src="missing.png">', "utf-8",
    )  # fmt: skip
    seen = tab.open(page, SCREEN)
    assert seen["width"] > SCREEN
    assert seen["over"]
    assert seen["sources"] == 2
    assert len(tab.said) >= 1
