"""The page of ``drg serve`` in a browser: by keyboard, paste and file; and what it is made of."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, browser, find_chromium
from served import Served

import drg.service
from drg.text import catalogue

PAGE = Path(drg.service.__file__).with_name("page")
SCRIPTS = sorted(PAGE.glob("*.js"))
POLICY, OTHER = "demo-2024", "dip-demo-2025"
SCREEN, PAPER = 1366, 703
#: Chinese headers of an export, with one column that means nothing and an age that cannot be read.
PASTED = (
    "结算ID\t医疗机构编码\t医疗机构等级\t性别\t年龄\t出院日期\t险种类型\t总费用\t个人支付\t主要诊断编码\t其他诊断编码1\t其他诊断编码2\t手术操作编码1\t床号\n"
    'Z-1\tH0001\t三级\t男\t67\t2024/6/14\t310\t"16,850.40"\t4120\tI63.900\tI10.x00\tJ18.900\t87.0301\t12\n'
)


@pytest.fixture(scope="module")
def started(service: Served) -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium on this machine: the page is not tried")
    with browser(program) as found:
        yield found


@pytest.fixture
def tab(started: Browser, service: Served) -> Browser:
    """The page just opened, in Chinese, with the focus in the search of diagnoses."""
    started.visit(service.url, SCREEN)
    started.until("document.activeElement.dataset.search == 'dx'")
    return started


def text_of(tab: Browser, selector: str) -> str:
    return str(tab.run(f"document.querySelector({json.dumps(selector)}).innerText"))


def texts_of(tab: Browser, selector: str) -> list[str]:
    found = tab.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)")
    return [str(words) for words in found]


def click(tab: Browser, selector: str) -> None:
    tab.run(f"document.querySelector({json.dumps(selector)}).click()")


def choose(tab: Browser, name: str, value: str) -> None:
    """Choose of a list of the bar."""
    tab.run(f"""(() => {{ const list = document.getElementById({json.dumps(name)});
      list.value = {json.dumps(value)};
      list.dispatchEvent(new Event("change", {{bubbles: true}})); }})()""")


def add(tab: Browser, *codes: str) -> None:
    """Write codes into the search that has the focus; Enter takes them as they are."""
    before = tab.run("document.querySelectorAll('.codes li').length")
    tab.write(" ".join(codes) + " ")
    tab.press("Enter")
    tab.until(f"document.querySelectorAll('.codes li').length == {before + len(codes)}")


def explained(tab: Browser) -> None:
    tab.press("Control+Enter")
    tab.until("document.querySelector('.answer:not([aria-busy]) .explanation')")


def paste(tab: Browser, words: str) -> None:
    """Paste beside every field."""
    tab.run(f"""(() => {{ document.activeElement.blur();
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", {json.dumps(words)});
      document.body.dispatchEvent(new ClipboardEvent("paste", {{clipboardData, bubbles: true}}));
    }})()""")


def fits(tab: Browser) -> None:
    """Nothing lies beyond the screen, or outside its drawing."""
    seen = tab.look()
    assert seen["over"] == []
    assert seen["width"] <= seen["room"]
    assert seen["outside"] == []


# ---- in the browser


def test_by_keyboard_alone(tab: Browser) -> None:
    """Search, choose, order, group, explain, scenarios: without a click, and in silence."""
    tab.write("脑梗死")
    tab.until("document.querySelectorAll('[role=option]').length > 2")
    assert tab.run("document.activeElement.getAttribute('aria-expanded')") == "true"
    shown = texts_of(tab, "[role=option] .code")
    tab.press("ArrowDown", "ArrowDown", "ArrowUp")
    chosen = tab.run("document.getElementById(document.activeElement.getAttribute("
                     "'aria-activedescendant')).querySelector('.code').innerText")  # fmt: skip
    assert chosen == shown[1]
    tab.press("ArrowUp", "Enter")
    tab.until("document.querySelectorAll('.codes li').length == 1")
    add(tab, "I10.x00", "J18.900")
    assert texts_of(tab, ".codes .code") == [shown[0], "I10.x00", "J18.900"]
    assert "肺炎" in texts_of(tab, ".codes .name")[2]
    tab.write("I63")
    tab.until("!document.querySelector('[role=listbox]').hidden")
    tab.press("Escape", "Escape")
    assert tab.run("document.activeElement.value") == ""

    tab.run("document.querySelector('.codes li[tabindex=\"0\"]').focus()")
    tab.press("ArrowDown", "ArrowDown", "Alt+ArrowUp")
    assert texts_of(tab, ".codes .code") == [shown[0], "J18.900", "I10.x00"]
    tab.press("Home")
    assert texts_of(tab, ".codes .code")[0] == "J18.900"
    assert texts_of(tab, ".codes .place")[0] == "主要"
    tab.press("Alt+ArrowDown")
    assert texts_of(tab, ".codes .code")[0] == shown[0]
    tab.until("document.querySelector('.line').innerText.includes('E101')")

    tab.run("document.querySelector('[data-search=dx]').focus()")
    tab.press("Tab")
    assert tab.run("document.activeElement.dataset.search") == "px"
    tab.press("Tab", "Tab", "ArrowDown", "Tab")
    tab.write("67")
    assert tab.run("document.getElementById('field-sex').value") == "M"
    tab.until("document.querySelector('.line .code')?.innerText == 'BR23'")
    tab.run("document.getElementById('field-total_cost').focus()")
    tab.write("16850.40")
    tab.run("document.getElementById('field-discharged_on').focus()")
    tab.write("20240614")
    tab.press("Tab")
    assert tab.run("document.getElementById('field-discharged_on').value") == "2024-06-14"
    explained(tab)
    assert text_of(tab, ".verdict .code") == "BR23"
    assert "BR2 脑缺血性疾患" in text_of(tab, ".path")

    tab.press("Control+Shift+Enter")
    tab.until("document.querySelector('.scenarios .all')")
    assert tab.run("document.activeElement.id") == "simulate"
    tab.run("document.getElementById('tab-scenarios').focus()")
    tab.press("ArrowRight")
    assert tab.run("document.getElementById('panel-batch').hidden") is False
    assert tab.said == []


def test_a_case_pasted_explained_and_changed(tab: Browser) -> None:
    """A row with its header; money with its bar; scenarios in recorded order, side by side."""
    paste(tab, PASTED)
    tab.until("document.querySelector('.codes .name')?.innerText == '脑梗死'")
    assert texts_of(tab, ".codes .code") == ["I63.900", "I10.x00", "J18.900", "87.0301"]
    values = {"sex": "M", "age": "67", "discharged_on": "2024-06-14", "total_cost": "16850.40"}
    for name, value in values.items():
        assert tab.run(f"document.getElementById('field-{name}').value") == value
    assert "列“床号”：不认识的列名" in text_of(tab, ".entry .notice")

    explained(tab)
    money = text_of(tab, ".answer")
    assert "8,821.94 元" in money
    assert "低于费用" in money
    assert "费用极高界限" in money
    assert "本例 16,850.40 元" in tab.run("document.querySelector('.cost-bar').textContent")
    fits(tab)
    tab.window(PAPER, media="print")
    fits(tab)
    assert tab.run("getComputedStyle(document.querySelector('.record')).display") == "block"
    assert tab.run("getComputedStyle(document.querySelector('.entry')).display") == "none"
    tab.window(SCREEN)

    click(tab, "#to-scenarios")
    tab.until("document.querySelector('.scenarios .all')")
    labels = texts_of(tab, ".all th[scope=row]")
    assert labels[0] == "原病例"
    assert [code for label in labels for code in re.findall("[A-Z]\\d\\d\\.\\w+", label)] == [
        "I10.x00", "J18.900", "I63.900", "I10.x00", "J18.900",
    ]  # fmt: skip
    assert "不按支付" in text_of(tab, ".standing")
    assert "不按支付" in text_of(tab, ".scenarios .notice")
    click(tab, "tr[data-place='2'] input")
    assert len(texts_of(tab, ".compare thead th")) == 4
    cells = texts_of(tab, ".compare tr[data-row=group] td")
    assert not cells[0].startswith("≠")
    assert all(cell.startswith("≠") for cell in cells[1:])
    assert len(texts_of(tab, ".compare tr[data-row=because] td")[1]) > 10
    click(tab, "tr[data-place='3'] input")
    assert tab.run("document.querySelector(\"tr[data-place='4'] input\").disabled") is True
    fits(tab)

    tab.run("document.querySelector('.scenarios [data-search=dx]').focus()")
    tab.write("E11.900 N18.900")
    tab.press("Enter")
    tab.until("document.querySelectorAll('.chips li').length == 2")
    tab.run("document.getElementById('correct-value').focus()")
    tab.write("70")
    tab.press("Enter")
    tab.until("document.querySelectorAll('.chips li').length == 3")
    tab.run("document.getElementById('other-number').value = 'drg.rates.310 = 9000'")
    click(tab, ".asked fieldset:last-child button:not(.small)")
    tab.press("Control+Enter")
    tab.until(f"document.querySelectorAll('.all tbody tr').length == {len(labels) + 4}")
    assert "9000" in texts_of(tab, ".all th[scope=row]")[-1]
    fits(tab)

    click(tab, "#tab-case")
    click(tab, "#add-number")
    tab.write("drg.rates.310")
    tab.press("Tab")
    tab.write("9000")
    tab.until("document.querySelector('.answer .notice.old')")
    tab.press("Control+Enter")
    tab.until("document.querySelector('.answer').innerText.includes('6,480.00')")
    assert "drg.rates.310 = 9000" in text_of(tab, ".answer .notice")

    click(tab, "#tab-scenarios")
    click(tab, "#language")
    tab.until("document.documentElement.lang == 'en' && document.querySelector('.scenarios .all')")
    tab.until("document.querySelector('.all th[scope=row]').innerText == 'as recorded'")
    fits(tab)
    click(tab, "#tab-case")
    tab.until("document.querySelector('.answer').innerText.includes('below cost')")
    assert text_of(tab, "#panel-case legend") == "Patient"
    assert tab.run("document.getElementById('field-age').value") == "67"
    fits(tab)
    assert tab.said == []


def test_what_is_wrong_is_said_where_it_is(tab: Browser) -> None:
    """At its field, with the mend; what is pasted is never read as HTML."""
    case = {"claim_id": "<img src=x onerror=alert(1)>", "diagnoses": ["I63.900"], "bed": 3}
    paste(tab, json.dumps([case, case]))
    tab.until("document.querySelector('.codes .name')?.innerText == '脑梗死'")
    told = text_of(tab, ".entry .notice")
    assert "bed" in told
    assert "另有 1 行" in told
    explained(tab)
    assert tab.run("document.querySelectorAll('img').length") == 0
    assert tab.said == []
    tab.run("document.getElementById('field-age').focus()")
    tab.write("六十")
    tab.press("Control+Enter")
    tab.until("!document.getElementById('field-age-error').hidden")
    assert tab.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert "位置：年龄" in text_of(tab, ".answer .notice.bad")
    assert "处理：请改正这一项" in text_of(tab, ".answer .notice.bad")
    assert "年龄" in text_of(tab, "#field-age-error")
    click(tab, "#paste")
    tab.run("document.getElementById('paste-text').value = '年龄\\n六十'")
    click(tab, "#paste-read")
    assert "六十" in text_of(tab, "dialog .notice")
    tab.press("Escape")
    assert tab.run("document.querySelector('dialog').open") is False
    tab.run("document.getElementById('field-hospital_id').focus()")
    tab.write("H0001")
    click(tab, "#clear")
    assert tab.run("document.getElementById('field-hospital_id').value") == "H0001"
    assert tab.run("document.getElementById('field-age').value") == ""
    assert tab.run("document.querySelectorAll('.codes li').length") == 0


def test_a_code_stays_as_it_was_written(tab: Browser) -> None:
    """One of the clinical edition is told as such until that edition is chosen."""
    paste(tab, json.dumps({"sex": "F", "age": 50, "diagnoses": ["I63.200x001"]}))
    tab.until("document.querySelector('.codes .name')?.innerText")
    assert texts_of(tab, ".codes .code") == ["I63.200x001"]
    assert "对应医保版 I63.200" in text_of(tab, ".codes .unknown")
    choose(tab, "codes", "clinical")
    assert texts_of(tab, ".codes .unknown") == []
    tab.until("document.querySelector('.line').innerText.includes('BR2')")
    tab.run("document.querySelector('[data-search=dx]').focus()")
    tab.write("I63.200x")
    tab.until("document.querySelectorAll('[role=option] .tag').length")
    tab.press("Enter")
    tab.until("document.querySelectorAll('.codes li').length == 2")
    assert texts_of(tab, ".codes .code") == ["I63.200x001"] * 2
    assert tab.said == []


def test_the_bar_of_scheme_and_policy(tab: Browser) -> None:
    """Days in force as one says them, a row for each number a policy lacks, nothing for tables."""
    assert "2022-01-01 至 2022-12-31" in text_of(tab, ".setting")
    choose(tab, "policy", "jinhua-2017")
    paths = tab.run("[...document.querySelectorAll('.number-row')].map("
                    "row => row.querySelector('input').value)")  # fmt: skip
    assert paths == ["drg.rates.310", "drg.points.city_mean", "drg.points.daily_points"]
    assert "drg.points.group_means，drg.points.hospital_means" in text_of(tab, ".setting .wide")
    choose(tab, "policy", "")
    choose(tab, "scheme", "haerbin")
    words = text_of(tab, ".setting").replace(text_of(tab, "#scheme"), "")
    assert not re.search("null|undefined|--", words)
    assert tab.said == []


def test_a_file_comes_back_grouped(tab: Browser, tmp_path: Path) -> None:
    """Rows in are rows out; charts are drawn; a file that is given up leaves nothing."""
    head = ("claim_id,hospital_id,department,insurance,sex,age,admitted_on,discharged_on,los_days,"
            "disposition,diagnoses,procedures,total_cost,patient_paid")  # fmt: skip
    rows = [f"C{n},H{n % 3},D{n % 4},310,M,{40 + n},2024-06-01,2024-06-{10 + n % 9},{9 + n % 9},1,"
            f"I63.900|J18.900,,{9000 + 37 * n}.50,2000" for n in range(60)]  # fmt: skip
    path = tmp_path / "六月.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    click(tab, "#tab-batch")
    tab.choose_file("#file", path)
    tab.until("document.activeElement.id == 'start'")
    tab.press("Enter")
    tab.until("document.getElementById('download') || document.querySelector('.outcome .bad')", 60)
    tab.download_to(tmp_path)
    tab.press("Enter")
    came = tmp_path / "六月-drg.csv"
    end = time.monotonic() + 10
    while not came.exists() and time.monotonic() < end:
        time.sleep(0.03)
    lines = came.read_text("utf-8-sig").strip().splitlines()
    assert len(lines) == len(rows) + 1
    assert lines[1].startswith("C0,")
    assert all("BR23" in line for line in lines[1:])
    assert "60" in text_of(tab, ".summary")
    assert tab.run("document.querySelectorAll('.report svg').length") >= 1
    fits(tab)
    click(tab, "#start")
    click(tab, "#cancel")
    tab.until("document.querySelector('.outcome .notice')")
    assert "已取消" in text_of(tab, ".outcome")
    assert tab.said == []


# ---- as written


def words_used() -> set[str]:
    """Entries of the catalogue that the scripts ask for by name."""
    source = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    used = set(re.findall(r'\bt\(\s*"(\w+)"', source))
    for branch in re.findall(r"\bt\(([^()]*\?[^()]*)", source):
        used |= set(re.findall(r'[?:]\s*"(\w+)"', branch))
    return used


def test_every_word_stands_in_the_catalogue() -> None:
    """Both languages, the same blanks to fill in; no Chinese in the scripts but in the examples."""
    words = {key[5:]: entry for key, entry in catalogue("service").items() if key[:5] == "page_"}
    assert words_used() - set(words) == set()
    for entry in words.values():
        blanks = [set(re.findall(r"\{(\w+)\}", entry[lang])) for lang in ("zh", "en")]
        assert blanks[0] == blanks[1]
    for path in SCRIPTS:
        for line in path.read_text("utf-8").splitlines():
            code = re.sub(r"/(?:[^/\\]|\\.)+/[a-z]*", "", line.split("//", 1)[0])
            if path.name not in ("examples.js", "paste.js", "search.js"):
                assert not re.search("[\u4e00-\u9fff]", code), (path.name, line)


def test_no_word_is_there_for_nothing() -> None:
    """Each entry is asked for by name, or by the family that its name begins with."""
    source = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    families = set(re.findall(r"`(\w+_)\$\{", source)) | {
        f"{name}_" for name in re.findall(r'worded\("(\w+)"', source)
    }
    named = set(re.findall(r'"(\w+)"', source))
    fields = ("sex_", "insurance_", "disposition_", "inpatient_type_")
    for key in catalogue("service"):
        if key.startswith("page_"):
            word = key[5:]
            assert word in named or word.startswith((*families, *fields)), key


def test_the_page_needs_nothing_from_elsewhere() -> None:
    """No other site, no inline script or style, nothing stored, no text read as HTML or code."""
    html = (PAGE / "index.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="([^"]+)"', html) == [
        "data:,", "/page/page.css", "/page/parts.css", "/page/main.js",
    ]  # fmt: skip
    assert not re.search(r"<style|\son\w+=|style=", html)
    banned = (
        "localStorage", "sessionStorage", "indexedDB", "cookie", "innerHTML", "outerHTML",
        "insertAdjacentHTML", "document.write", "eval(", "new Function", "console.",
    )  # fmt: skip
    for path in (*SCRIPTS, *PAGE.glob("*.css")):
        text = path.read_text("utf-8")
        assert not [word for word in banned if word in text], path.name
        assert re.findall(r"https?://[^\s\"'`]+", text) in ([], ["http://www.w3.org/2000/svg"])
        assert len(text.splitlines()) <= 400


def test_a_case_is_told_in_words_that_fit_the_page() -> None:
    """No option of a command in how to mend what grouping and pricing find in one case."""
    settled = ("P66", "P69")  # of months and years, which the page does not settle
    for code, page in catalogue("reasons").items():
        if re.fullmatch("[EUQV]\\d+|N4[01]\\d|P\\d+", code) and not code.startswith(settled):
            for lang in ("zh", "en"):
                assert not re.search(r"(^|\s)--?[a-z]", page[f"mend_{lang}"]), code


def test_policies_say_what_to_supply_in_the_form_the_page_reads(service: Served) -> None:
    """``--set PATH=WHAT``, in both languages, for all that the price of a case can need."""
    for lang in ("zh", "en"):
        for policy in service.get(f"/policies?lang={lang}").json():
            for path, note in policy["wanted"].items():
                assert re.search(r"--set [\w.\u4e00-\u9fff]+=[^\s]", note), (policy["id"], path)


@pytest.mark.parametrize("policy", [POLICY, pytest.param(OTHER, marks=pytest.mark.long)])
def test_examples_are_paid_as_they_stand(service: Served, policy: str) -> None:
    """Grouped and priced; loading a DIP catalogue takes seconds."""
    source = (PAGE / "examples.js").read_text("utf-8")
    body = source.partition("EXAMPLES = ")[2].rstrip().rstrip(";")
    body = re.sub(r"(?<=[{,\s])([a-z_]+):", r'"\1":', body)
    examples = json.loads(re.sub(r",(\s*[}\]])", r"\1", body))
    assert {one["policy"] for one in examples} == {POLICY, OTHER}
    for one in examples:
        if one["policy"] == policy:
            claim = {key: one[key] for key in ("diagnoses", "procedures")} | one["values"]
            told = service.post("/explain", {"policy": policy, "claim": claim}).json()
            assert told["grouping"]["outcome"] == "GROUPED", one["id"]
            assert told["money"]["fund_fen"] is not None
