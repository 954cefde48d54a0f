"""The service over loopback: answers, errors, limits, who is let in, and that nothing stays."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import tempfile
import time
import zipfile
from io import BytesIO
from string import ascii_uppercase

import polars as pl
import pytest
from click.testing import CliRunner
from served import ROOT, SECRET

import drg
from drg.claims.case import Case, case_frame
from drg.cli import cli
from drg.money import unscaled
from drg.scale.group_file import group_file
from drg.service.errors import ServiceError
from drg.service.numbers import refuse_files
from drg.service.settings import Limits, Settings, is_loopback
from drg.service.shelf import Shelf
from drg.service.stock import Named, Stock

SCHEME, POLICY = "haerbin-2022", "demo-2024"
CASE = {
    "claim_id": SECRET, "hospital_id": "H1", "hospital_level": "三级", "insurance": "310",
    "sex": "2", "age": 67, "admitted_on": "2024-06-01", "discharged_on": "2024-06-10",
    "los_days": 9, "disposition": "1", "diagnoses": ["I63.905", "I10.x00", "J96.000"],
    "procedures": ["88.9100"], "total_cost": "12000.00", "patient_paid": "3000.00",
}  # fmt: skip


@pytest.fixture(scope="module")
def claims():
    """Three hundred cases: one that is paid, one with an unknown code, one without its sex."""
    cases = [CASE, {**CASE, "diagnoses": ["J18.900", "X99.X"]}, {**CASE, "sex": None}]
    numbered = [{**cases[n % 3], "claim_id": f"C{n}"} for n in range(300)]
    return case_frame([Case(**case) for case in numbered])


@pytest.fixture(scope="module")
def csv(claims, tmp_path_factory):
    path = tmp_path_factory.mktemp("claims") / "claims.csv"
    joined = [pl.col(name).list.join("|") for name in ("diagnoses", "procedures")]
    claims.with_columns(joined).write_csv(path)
    return path


def problem(reply, status, code):
    assert reply.status == status, reply
    told = reply.json()
    assert set(told) == {"code", "what", "where", "mend"}
    assert (told["code"], bool(told["what"]), bool(told["mend"])) == (code, True, True)
    return told


# ---- lists


def test_lists(service):
    schemes = {line["id"]: line for line in service.get("/schemes").json()}
    assert {s.id for s in drg.list_schemes()} < set(schemes)
    assert schemes["chongqing"]["kind"] == "place"
    assert schemes["taian-2025"]["kind"] == "dip"
    policies = {line["id"]: line for line in service.get("/policies").json()}
    assert set(policies) == {p.id for p in drg.list_policies()}
    assert policies[POLICY]["scheme"] == SCHEME
    assert "national" in {line["id"] for line in service.get("/rules").json()}
    assert service.get("/health").json()["scheme"] == SCHEME


def test_fields_are_those_of_a_case(service):
    assert [field["name"] for field in service.get("/fields").json()] == list(Case.model_fields)


def test_texts_in_both_languages(service):
    zh, en = (service.get(f"/texts?lang={lang}").json() for lang in ("zh", "en"))
    assert set(zh) == set(en)
    assert len(zh) > 10
    assert not {"H401", "H440"} & set(zh)
    assert service.get("/texts", **{"Accept-Language": "en-GB,zh;q=0.5"}).json() == en


def test_codes_are_searched_and_told_of(service):
    (found,) = service.get("/codes?q=I63.905&kind=dx&scheme=haerbin-2022").json()
    assert (found["code"], found["known"], found["match"]) == ("I63.905", True, "code")
    assert len(service.get("/codes?q=I63&limit=7").json()) == 7
    assert service.get("/codes?q=%20").json() == []
    problem(service.get("/codes?q=" + "9" * 101), 422, "H418")
    problem(service.get("/codes?q=I63&limit=100000"), 422, "H418")
    problem(service.get("/codes?q=I63&scheme=no-such"), 422, "H422")


# ---- one case


@pytest.mark.parametrize("scheme", [SCHEME, "taian-2025"])
def test_group_is_that_of_the_library(service, scheme):
    told = service.post("/group", {"scheme": scheme, "claim": CASE}).json()
    found = drg.load_grouper(scheme).group(Case(**CASE))
    same = ("scheme", "digest", "outcome", "mdc", "adrg", "group", "group_name", "severity",
            "reason", "group_class", "auxiliary", "decided_by")  # fmt: skip
    assert {name: told[name] for name in same} == {name: getattr(found, name) for name in same}
    assert told["score"] == (None if found.score_e4 is None else unscaled(found.score_e4))
    asked = {"scheme": scheme, "policy": "none", "rules": "none", "claim": CASE}
    assert service.post("/explain", asked).json()["grouping"] == told


def test_explain_and_check(service):
    asked = {"policy": POLICY, "claim": CASE}
    told = service.post("/explain", asked).json()
    assert told["money"]["policy"] == POLICY
    assert told["money"]["fund_fen"] > 0
    assert told["path"]
    assert told["grouping"]["group"]
    dearer = service.post("/explain", {**asked, "set": {"drg.rates.310": "99999"}}).json()
    assert dearer["money"]["rate_fen"] == 9_999_900
    unknown = {**CASE, "diagnoses": ["J18.900", "X99.X"]}
    found = service.post("/check", {"claim": unknown, "rules": "none"}).json()["findings"]
    told = service.post("/explain", {**asked, "claim": unknown}).json()
    assert "N401" in {f["code"] for f in found} <= {f["code"] for f in told["findings"]}


def test_simulate(service):
    told = service.post(
        "/simulate",
        {"policy": POLICY, "claim": CASE, "corrections": {"age": "70"},
         "others": [{"scheme": "demo", "policy": "none"}, {"set": {"drg.rates.310": "1"}}]},
    ).json()  # fmt: skip
    kinds = [scenario["kind"] for scenario in told["scenarios"]]
    assert kinds[0] == "principal_diagnosis"
    assert kinds[-3:] == ["correct", "scheme", "numbers"]
    assert [s["place"] for s in told["scenarios"]] == list(range(1, len(kinds) + 1))
    assert told["notice"]


def test_a_scheme_is_that_of_the_policy(service):
    told = service.post("/explain", {"policy": "dip-demo-2025", "claim": CASE}).json()
    assert told["grouping"]["kind"] == "dip"


# ---- what is refused


@pytest.mark.parametrize(
    ("asked", "code", "where"),
    [
        ({}, "H418", "claim"),
        ({"claim": {"agee": 3}}, "H418", "claim.agee"),
        ({"claim": {"age": "three"}}, "H418", "claim.age"),
        ({"claim": {}, "more": 1}, "H418", "more"),
        ({"claim": {"diagnoses": ["I10"] * 61}}, "H419", "diagnoses"),
        ({"scheme": "../haerbin-2022", "claim": {}}, "H422", ""),
        ({"scheme": "/etc/passwd", "claim": {}}, "H422", ""),
        ({"scheme": SCHEME, "compat": "../x", "claim": {}}, "S103", ""),
    ],
)
def test_group_refuses(service, asked, code, where):
    assert problem(service.post("/group", asked), 422, code)["where"] == where


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"policy": "../demo"}, "H423"),
        ({"policy": "/etc/x.toml"}, "H423"),
        ({"rules": "x.toml"}, "H424"),
        ({"policy": "none", "set": {"drg.rates.310": "1"}}, "H421"),
        ({"policy": POLICY, "set": {"drg.rates": "rates.csv"}}, "H420"),
        ({"policy": POLICY, "set": {"drg.rates.310": "much"}}, "P462"),
        ({"policy": POLICY, "set": {"nothing.here": "1"}}, "P476"),
    ],
)
def test_explain_refuses(service, asked, code):
    told = problem(service.post("/explain", {**asked, "claim": CASE}), 422, code)
    assert str(ROOT) not in json.dumps(told)


@pytest.mark.parametrize(
    "number",
    [("drg.coefficients", " table.CSV"), ("drg.weights", "haerbin-2022, /etc/w"),
     ("drg.scheme", "."), ("dip.catalogue", "tables"), ("per_disease.table", "diseases.txt")],
)  # fmt: skip
def test_numbers_never_name_files(number):
    with pytest.raises(ServiceError, match="H420"):
        refuse_files(dict([number]))


def test_numbers_name_what_is_shipped():
    refuse_files({"drg.scheme": "chs-drg-2.0", "drg.weights": "haerbin-2022", "drg.x": "1/3"})


def test_errors_are_in_the_language_asked_for(service):
    zh = problem(service.get("/nothing"), 404, "H410")
    en = problem(service.get("/nothing?lang=en"), 404, "H410")
    assert zh["what"] == "没有这个地址"
    assert en["what"] == "there is no such address"


def test_heads_are_those_of_get(service):
    for path in ("/health", "/", "/page/main.js"):
        head, got = service.ask("HEAD", path), service.get(path)
        assert (head.status, head.body) == (200, b"")
        assert head.headers["content-length"] == str(len(got.body))


def test_status_of_other_errors(service):
    assert "POST" in problem(service.get("/group"), 405, "H411")["mend"]
    problem(service.post("/group", b"{", **{"Content-Type": "application/json"}), 400, "H417")
    problem(service.post("/group", b"\xff\xfe\xfd", **{"Content-Type": "application/json"}),
            400, "H417")  # fmt: skip
    half = '{"claim": {"patient_id": "\\ud800"}}'
    raw = half.replace("\\ud800", "\ud800").encode("utf-8", "surrogatepass")
    for body in (half.encode(), raw, half.encode("utf-16-le")):
        told = service.post("/explain", body, **{"Content-Type": "application/json"})
        problem(told, 400, "H417")
    deep = b'{"claim": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert service.post("/group", deep, **{"Content-Type": "application/json"}).status in (400, 422)
    problem(service.post("/group", b"{}"), 415, "H414")
    problem(service.post("/group", b"x=1", **{"Content-Type": "text/plain"}), 415, "H414")
    problem(service.post("/batch", b"--x", **{"Content-Type": "multipart/form-data"}), 415, "H414")


@pytest.mark.parametrize("beyond", [1, 20 << 20])
def test_a_body_that_is_too_large_is_told_so_at_once(service, beyond):
    """A sender hears why, however much it still had to send."""
    start = time.monotonic()
    json_body = b" " * ((1 << 20) + beyond)
    problem(service.post("/group", json_body, **{"Content-Type": "application/json"}), 413, "H415")
    problem(service.post("/batch", b" " * ((2 << 20) + beyond)), 413, "H415")
    assert time.monotonic() - start < 5


# ---- who is let in


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.1"])
def test_other_hosts_are_refused(service, host):
    problem(service.get("/health", Host=host), 403, "H412")


def test_pages_of_other_sites_are_refused(service):
    for header in (
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"http://{service.host}.evil.example"},
    ):  # fmt: skip
        problem(service.post("/group", {"claim": {}}, **header), 403, "H413")
        problem(service.ask("POST", "/batch", b"a", header), 403, "H413")
    own = {"Origin": f"http://{service.host}", "Sec-Fetch-Site": "same-origin"}
    assert service.post("/group", {"claim": {}}, **own).status == 200


def test_every_answer_has_its_headers(service):
    for reply in (service.get("/health"), service.get("/nothing"), service.get("/")):
        assert "script-src 'self'" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/page/../settings.py", "/page/%2e%2e/app.py"])
def test_no_other_files_are_served(service, path):
    problem(service.get(path), 404, "H410")


def test_host_must_be_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.1.1.1", "drg.example", "")))
    with pytest.raises(ServiceError, match="H401"):
        Settings(host="0.0.0.0").check_host()
    Settings(host="0.0.0.0", allow_remote=True).check_host()
    run = CliRunner().invoke(cli, ["serve", "--host", "0.0.0.0"])
    assert run.exit_code == 2
    assert "--allow-remote" in run.output


def test_a_port_that_is_taken_is_told(service):
    port = service.host.rpartition(":")[2]
    run = CliRunner().invoke(cli, ["serve", "--port", port, "-s", "demo"])
    assert run.exit_code == 2
    assert "H403" in run.output


# ---- files


def test_batch_is_the_file_of_the_command(service, csv, tmp_path):
    wanted = tmp_path / "out.csv"
    group_file(drg.Grouper.load(SCHEME), csv, wanted)
    reply = service.post("/batch?policy=none", csv.read_bytes())
    assert reply.status == 200
    assert reply.headers["x-drg-rows"] == "300"
    assert "content-length" not in reply.headers
    assert reply.body == wanted.read_bytes()


def test_batch_is_priced_as_by_the_library(service, csv, claims):
    grouped = drg.Grouper.load(SCHEME).group_frame(claims)
    wanted = drg.price_frame(grouped, drg.load_policy(POLICY))
    reply = service.post(f"/batch?policy={POLICY}&format=parquet", csv.read_bytes())
    found = pl.read_parquet(BytesIO(reply.body))
    assert int(reply.headers["content-length"]) == len(reply.body)
    names = ["group", "pay_mode", "standard_fen", "fund_fen", "payment_note"]
    assert found.select(names).cast(pl.String).equals(wanted.select(names).cast(pl.String))
    assert wanted["fund_fen"].sum() > 0


@pytest.mark.parametrize("form", ["xlsx", "ndjson"])
def test_batch_in_other_formats(service, csv, form):
    reply = service.post(f"/batch?format={form}", csv.read_bytes())
    assert service.left() == []  # once the answer has ended
    read = pl.read_excel if form == "xlsx" else pl.read_ndjson
    frame = read(BytesIO(reply.body))
    assert frame.height == 300
    assert "group" in frame.columns


def test_batch_takes_what_a_spreadsheet_writes(service, csv):
    book = service.post("/batch?format=xlsx", csv.read_bytes()).body
    reply = service.post("/batch?name=%E4%B8%89%E6%9C%88.xlsx&format=csv", book)
    assert reply.status == 200
    assert reply.headers["x-drg-rows"] == "300"
    assert "%E4%B8%89%E6%9C%88-drg.csv" in reply.headers["content-disposition"]


@pytest.mark.parametrize(
    ("cell", "code"),
    [("XFD1048576", "H427"), ("ZZ20000", "H427"), ("C3", "F110")],
)
def test_a_workbook_with_a_stray_cell_does_not_end_the_service(service, cell, code):
    """Its reader would ask for room for every cell up to there, and be ended by the system."""
    book = BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as whole:
        pl.DataFrame({"a": ["1"], "b": ["2"]}).write_excel(plain := BytesIO())
        with zipfile.ZipFile(plain) as parts:
            for name in parts.namelist():
                part = parts.read(name)
                if name.endswith("sheet1.xml"):
                    row = (
                        f'<row r="{cell.lstrip(ascii_uppercase)}"><c r="{cell}"><v>1</v></c></row>'
                    )
                    part = part.replace(b"</sheetData>", row.encode() + b"</sheetData>")
                whole.writestr(name, part)
    problem(service.post("/batch?name=x.xlsx", book.getvalue()), 422, code)


def test_an_empty_file_has_its_header(service):
    reply = service.post("/batch", b"claim_id,diagnoses,procedures\n")
    assert reply.status == 200
    assert b"group_name" in reply.body
    assert reply.headers["x-drg-rows"] == "0"


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        ("", b"", "F103"),
        ("", b"a,b\n1,2\n", "F110"),
        ("?name=x.xlsx", b"a,b\n1,2\n", "F115"),
        ("?name=..%2Fx.csv", b"a", "H425"),
        ("?name=x.csv.gz", b"a", "H425"),
        ("?name=x.exe", b"a", "H425"),
        ("?format=pdf", b"a", "H418"),
        ("?scheme=no-such", b"diagnoses\nI10\n", "H422"),
        (f"?scheme=demo&policy={POLICY}", b"diagnoses\nI10\n", "P426"),
        ("?sheet=x", b"diagnoses\nI10\n", "F123"),
        ("", b"diagnoses\n" + b"I10\n" * 4001, "H426"),
        ("?format=xlsx", b"diagnoses\n" + b"I" * 40_000, "F207"),
    ],
)
def test_batch_refuses(service, query, body, code):
    told = problem(service.post(f"/batch{query}", body), 422, code)
    assert "drg-serve" not in json.dumps(told)
    assert tempfile.gettempdir() not in json.dumps(told)


def test_events_tell_of_the_same_file(service, csv):
    query = f"?policy={POLICY}&lang=en"
    reply = service.post(f"/batch/events{query}", csv.read_bytes())
    events = [json.loads(line) for line in reply.body.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "progress"
    assert kinds[-1] == "end"
    done = [e["done"] for e in events if e["event"] == "progress"]
    assert done == sorted(done)
    assert done[-1] == events[0]["total"] == 600
    summary = next(e for e in events if e["event"] == "summary")
    assert sum(summary["outcomes"].values()) == summary["rows"] == 300
    assert sum(mode["count"] for mode in summary["modes"]) == 300
    assert any("cases, fund pays" in line for line in summary["words"])
    charts = next(e for e in events if e["event"] == "charts")["html"]
    assert "<svg" in charts
    assert "style=" not in charts
    assert "<script" not in charts
    made = b"".join(base64.b64decode(e["base64"]) for e in events if e["event"] == "file")
    assert hashlib.sha256(made).hexdigest() == events[-1]["sha256"]
    assert made == service.post(f"/batch{query}", csv.read_bytes()).body


def test_events_end_in_an_error(service):
    reply = service.post("/batch/events?lang=en", b"a,b\n1,2\n")
    (event,) = (json.loads(line) for line in reply.body.splitlines())
    assert (event["event"], event["code"]) == ("error", "F110")
    assert event["mend"]


def test_a_further_file_is_told_to_come_again(service, csv):
    """While one upload is under way there is no place for another, and then there is."""
    waiting = _begun(service, "/batch", 100)
    try:
        waiting.sendall(b"diagnoses\n")
        _until(service.left)  # it has its place
        reply = service.post("/batch", csv.read_bytes())
        problem(reply, 503, "H430")
        assert int(reply.headers["retry-after"]) > 0
        assert service.post("/group", {"claim": CASE}).status == 200
    finally:
        waiting.close()
    _until(lambda: service.post("/batch", csv.read_bytes()).status == 200)
    _until(lambda: not service.left())


def test_http_1_0_has_a_length_or_nothing(service, csv):
    data = csv.read_bytes()
    with socket.create_connection(service.host.split(":")) as plain:
        head = (
            f"POST /batch HTTP/1.0\r\nHost: {service.host}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        plain.sendall(head.encode() + data)
        answer = b"".join(iter(lambda: plain.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head.lower()


def test_a_file_that_breaks_off_breaks_the_connection(grouper_of, tmp_path, monkeypatch):
    """In process: the second batch fails after the first was sent."""
    import asyncio

    from drg.service import batch
    from drg.service.uploads import Answer, Desk

    monkeypatch.setattr(batch, "_ROWS", 2)
    grouper = grouper_of("demo")
    calls = []

    def group_frame(frame, columns=None):
        calls.append(1)
        if len(calls) > 1:
            raise MemoryError(SECRET)
        return type(grouper).group_frame(grouper, frame, columns)

    stock = Stock(Settings(scheme="demo"))
    monkeypatch.setattr(stock, "grouper", lambda named: _Breaking(grouper, group_frame))
    sent = []

    async def run():
        desk = Desk(stock)
        body = [{"type": "http.request", "body": b"diagnoses\n" + b"I10\n" * 9}]

        async def receive():
            if body:
                return body.pop()
            await asyncio.sleep(60)
            return None

        async def send(message):
            sent.append(message)

        asked = batch.BatchAsked(Named(), "x.csv", "csv", None)
        async with desk.opened():
            scope = {"type": "http", "http_version": "1.1"}
            await Answer(desk, asked, events=False)(scope, receive, send)

    with pytest.raises(ConnectionAbortedError) as error:
        asyncio.run(run())
    assert SECRET not in str(error.value)
    assert error.value.__suppress_context__
    assert sent[0]["status"] == 200
    assert all(m.get("more_body") for m in sent[1:])


def test_a_client_that_reads_nothing_loses_its_place():
    import asyncio

    from drg.service.batch import BatchAsked
    from drg.service.uploads import Answer, Desk

    stock = Stock(Settings(scheme="demo", limits=Limits(seconds=0.5)))
    stock.grouper(Named())

    async def run():
        desk = Desk(stock)
        body = [{"type": "http.request", "body": b"diagnoses\nI10\n"}]

        async def receive():
            return body.pop() if body else await asyncio.sleep(60)

        async def send(message):
            await asyncio.sleep(60)

        asked = BatchAsked(Named(), "x.csv", "csv", None)
        async with desk.opened():
            with pytest.raises(ConnectionAbortedError):
                await Answer(desk, asked, events=False)({"http_version": "1.1"}, receive, send)
            async with desk.place(), desk.place():  # both are free again
                pass

    asyncio.run(run())


class _Breaking:
    def __init__(self, grouper, group_frame):
        self._grouper, self.group_frame = grouper, group_frame

    def __getattr__(self, name):
        return getattr(self._grouper, name)


# ---- what stays loaded


def test_a_simulator_is_made_once_however_it_is_asked_for():
    stock = Stock(Settings(scheme="demo"))
    without = Named(rules="none")
    usual = stock.simulator(without)
    assert stock.simulator(Named(scheme="demo", policy="none", rules="none")) is usual
    assert stock.simulator(without._replace(compat="")) is usual
    # An edition that is stated is not suspected to be the other.
    assert stock.simulator(without._replace(codes="insurance")) is not usual
    assert stock.placer_at_hand(Named()).grouper is usual.grouper


def test_a_shelf_keeps_the_last_few_and_makes_each_once():
    shelf, made = Shelf(2), []

    def make(key):
        made.append(key)
        return f"thing {key}"

    for key in (1, 2, 1, 3, 1, 2):
        assert shelf.get(key, lambda key=key: make(key)) == f"thing {key}"
    assert made == [1, 2, 3, 2]
    assert len(shelf) == 2
    with contextlib.suppress(ZeroDivisionError):
        shelf.get(9, lambda: 1 / 0)
    assert shelf.get(9, lambda: "there") == "there"


def _begun(service, path, length):
    waiting = socket.create_connection(service.host.split(":"))
    head = f"POST {path} HTTP/1.1\r\nHost: {service.host}\r\nContent-Length: {length}\r\n\r\n"
    waiting.sendall(head.encode())
    return waiting


def _until(holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
