"""Asks a running ``drg serve`` with Python's standard library alone; a module to copy.

Run by itself: python drg_client.py http://127.0.0.1:8765 case.json claims.csv grouped.csv
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from decimal import Decimal
from http.client import IncompleteRead
from io import TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener


class Refused(Exception):
    """The service understood the request and says what is wrong with it."""

    def __init__(self, status: int, error: dict[str, Any]) -> None:
        super().__init__(f"{status} {error['code']} {error['what']} {error['mend']}")
        self.status, self.error = status, error


class Drg:
    """Every call only computes, so it may be asked again without harm."""

    def __init__(self, base: str, *, seconds: float = 10, tries: int = 4) -> None:
        self.base, self.seconds, self.tries = base.rstrip("/"), seconds, tries
        self._opener = build_opener(ProxyHandler({}))  # claims never pass through a proxy

    def ask(self, path: str, question: dict[str, Any]) -> dict[str, Any]:
        """One question, one answer, both JSON in UTF-8."""
        body = json.dumps(question, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        with self._send(lambda: Request(self.base + path, body, headers), self.seconds) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def batch(self, source: Path, target: Path, *, seconds: float = 600, **query: str) -> None:
        """A file to a file; ``target`` appears when the answer is whole, or not at all."""
        url = f"{self.base}/batch?{urlencode({'name': source.name, **query})}"
        size = {"Content-Length": str(source.stat().st_size)}
        kind = {"Content-Type": "application/octet-stream"}
        part = target.with_name(target.name + ".part")
        try:
            with (
                self._send(lambda: Request(url, source.open("rb"), size | kind), seconds) as answer,
                part.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)  # raises if the last chunk does not come
                if answer.length:  # what is missing of an answer whose length was told
                    raise IncompleteRead(b"", answer.length)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def _send(self, request: Any, seconds: float) -> Any:
        for left in reversed(range(self.tries)):
            made = request()
            try:
                return self._opener.open(made, timeout=seconds)
            except HTTPError as error:
                later = error.headers.get("Retry-After")  # too busy just now (503)
                if later is None or not left:
                    raise Refused(error.code, json.load(error)) from error
                pause = float(later)
            except URLError:  # not running yet, or the connection broke
                if not left:
                    raise
                pause = 1.0
            finally:
                if hasattr(made.data, "close"):
                    made.data.close()
            time.sleep(pause)
        raise AssertionError("unreachable")


def yuan(fen: int | None) -> str:
    """Whole fen as yuan; a missing amount stays missing."""
    return "—" if fen is None else str(Decimal(fen).scaleb(-2))


def main(base: str, case: str, claims: str, grouped: str) -> None:
    """Group one case, ask what it is expected to be paid, be refused, group a file."""
    drg = Drg(base)
    claim = json.loads(Path(case).read_text("utf-8"))

    found = drg.ask("/group", {"scheme": "haerbin-2022", "claim": claim})
    print(found["outcome"], found["group"], found["group_name"])
    print("scheme", found["scheme"], found["digest"][:12])

    question = {"scheme": "haerbin-2022", "policy": "demo-2024", "claim": claim}
    money = drg.ask("/explain", question)["money"]
    print("standard", yuan(money["standard_fen"]), "fund", yuan(money["fund_fen"]))
    print("difference", yuan(money["difference_fen"]), money["case_class"])

    try:
        drg.ask("/group", {"scheme": "no-such-scheme", "claim": claim})
    except Refused as refused:
        print("refused", refused.status, refused.error["code"])

    drg.batch(Path(claims), Path(grouped), scheme="haerbin-2022", format="csv")
    print("wrote", Path(grouped).name)


if __name__ == "__main__":
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # a Windows console may be set to another
    main(*sys.argv[1:])
