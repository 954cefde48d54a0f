"""The application: its addresses, what they take and give, and how errors are answered.

Thin: each address hands its request to the library. ``/group`` runs on the event loop, for it
takes microseconds; everything that takes longer runs in a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException

import drg
from drg.errors import DrgError
from drg.schemes.crosswalk import KINDS, Edition
from drg.service import lists
from drg.service.batch import BATCH_SUFFIXES, MEDIA, BatchAsked, Format
from drg.service.cases import Cases
from drg.service.errors import ServiceError, status_of
from drg.service.guard import Guard, problem_bytes, retry_headers
from drg.service.invalid import invalid, too_long
from drg.service.models import (
    CheckRequest,
    CodeHit,
    ExplainRequest,
    FieldInfo,
    Findings,
    GroupRequest,
    Health,
    PolicyLine,
    Problem,
    RulesLine,
    SchemeLine,
    SimulateRequest,
)
from drg.service.settings import Settings
from drg.service.stock import NONE, Named, Stock
from drg.service.uploads import Answer, Desk
from drg.simulate.answer import Explanation, Grouping, Simulation
from drg.text import language, text

__all__ = ["create_app"]

_PAGE = Path(__file__).with_name("page")
#: FastAPI can report requests to OpenTelemetry; a claim is nobody's telemetry.
_TELEMETRY = ("tracing", "metrics", "logs", "operation_spans", "auto_configure")
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem} for status in (400, 403, 404, 405, 408, 413, 415, 422, 503)
}
#: Most codes that a search gives.
MOST_CODES = 200
_CODES_SCHEME = "Tell whether this scheme knows the code, and its level there."
_BY_ID = Query(max_length=64, description="By id, as in the requests for one case.")
#: A file as it is: in the schema any bytes.
_FILE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_BYTES = {"schema": {"type": "string", "format": "binary"}}
_RESULT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result.",
        "headers": {"X-Drg-Rows": {"description": "Its rows.", "schema": {"type": "integer"}}},
        "content": {kind.partition(";")[0]: _BYTES for kind in MEDIA.values()},
    }
}
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "A line of JSON each.", "content": {"application/x-ndjson": _BYTES}}
}
_Lang = Annotated[
    Literal["zh", "en"] | None,
    Query(description="Language of texts; else as Accept-Language says, else Chinese."),
]


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application.

    Parameters
    ----------
    settings : Settings, optional

    Returns
    -------
    FastAPI
        Scheme, policy and means that the settings name are loaded when it starts.
    """
    settings = settings or Settings()
    stock = Stock(settings)

    desk = Desk(stock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_sync(stock.open)
        async with desk.opened():
            yield

    telemetry: dict[str, Any] = {"telemetry": dict.fromkeys(_TELEMETRY, False)}
    app = FastAPI(
        title="drg",
        version=drg.__version__,
        description="Groups, explains, simulates and checks inpatient claims. Amounts are fen.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        responses=_PROBLEMS,
        **telemetry,
    )
    app.state.stock = stock
    app.add_middleware(Guard, settings=settings)
    app.add_exception_handler(DrgError, _drg_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    _add_lists(app, settings, stock)
    _add_cases(app, Cases(stock))
    _add_batches(app, desk)
    _add_page(app)
    return app


def _add_lists(app: FastAPI, settings: Settings, stock: Stock) -> None:
    """What can be asked about."""

    @app.get("/health")
    async def health() -> Health:
        """That the service runs, and what it assumes."""
        limits = settings.limits
        return Health(
            version=drg.__version__,
            scheme=settings.scheme,
            policy=settings.policy,
            limits={name: getattr(limits, name) for name in limits.__dataclass_fields__},
        )

    @app.get("/schemes")
    def schemes(lang: _Lang = None) -> list[SchemeLine]:
        """Schemes, DIP catalogues and places."""
        return [*lists.scheme_list(language())]

    @app.get("/policies")
    def policies(lang: _Lang = None) -> list[PolicyLine]:
        """Payment policies."""
        return [*lists.policy_list(language())]

    @app.get("/rules")
    def rules(lang: _Lang = None) -> list[RulesLine]:
        """Sets of audit rules."""
        return [*lists.rules_list(language())]

    limits = settings.limits

    @app.get("/codes")
    def codes(
        q: Annotated[str, Query(description="Beginning of a code, or words of a name.")],
        kind: Annotated[Literal["dx", "px"] | None, Query(description="Null: both.")] = None,
        scheme: Annotated[str | None, Query(max_length=64, description=_CODES_SCHEME)] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_CODES)] = 20,
        lang: _Lang = None,
    ) -> list[CodeHit]:
        """Codes of both editions that a text means, the likeliest first."""
        if len(q) > limits.query:
            raise too_long("q", limits.query)
        grouper = None if scheme is None else stock.grouper(Named(scheme, policy=NONE))
        return lists.code_hits(q, KINDS if kind is None else (kind,), limit, grouper)

    @app.get("/fields")
    async def fields(lang: _Lang = None) -> list[FieldInfo]:
        """The columns of a case."""
        return [*lists.field_list(language())]

    @app.get("/texts")
    async def texts(lang: _Lang = None) -> dict[str, str]:
        """The words of the page."""
        return lists.page_texts(language())


def _add_cases(app: FastAPI, cases: Cases) -> None:
    """What can be asked of one case; answers are made here, so that none is validated again."""

    @app.post("/group", response_model=Grouping)
    async def group(asked: GroupRequest, lang: _Lang = None) -> Response:
        """The group of one case."""
        return _json(await cases.group(asked))

    @app.post("/explain", response_model=Explanation)
    async def explain(asked: ExplainRequest, lang: _Lang = None) -> Response:
        """One case as it stands: group, money, stay, path and findings."""
        return _json(await cases.explain(asked))

    @app.post("/simulate", response_model=Simulation)
    async def simulate(asked: SimulateRequest, lang: _Lang = None) -> Response:
        """One case and its alternatives, in clinical and recorded order."""
        return _json(await cases.simulate(asked))

    @app.post("/check", response_model=Findings)
    async def check(asked: CheckRequest, lang: _Lang = None) -> Response:
        """What grouping and audit rules find in one case."""
        return _json(await cases.check(asked))


def _add_batches(app: FastAPI, desk: Desk) -> None:
    """What can be asked of a file: its bytes are the body, as they are."""

    @app.post("/batch", openapi_extra=_FILE, response_class=Response, responses=_RESULT)
    async def batch(asked: Annotated[BatchAsked, Depends(_asked)]) -> Response:
        """The file grouped, and priced where a policy is named: same rows, same order."""
        return Answer(desk, asked, events=False)

    @app.post("/batch/events", openapi_extra=_FILE, response_class=Response, responses=_EVENTS)
    async def events(asked: Annotated[BatchAsked, Depends(_asked)]) -> Response:
        """The same told while it is made: progress, summary, charts, file, end; or error."""
        return Answer(desk, asked, events=True)


def _asked(
    name: Annotated[
        str, Query(min_length=1, max_length=200, description="File name; its suffix counts.")
    ] = "claims.csv",
    scheme: Annotated[str | None, _BY_ID] = None,
    policy: Annotated[str | None, _BY_ID] = None,
    compat: Annotated[str | None, _BY_ID] = None,
    codes: Annotated[Edition | None, Query(description="Edition; null: insurance.")] = None,
    form: Annotated[Format | None, Query(alias="format", description="Null: the file's.")] = None,
    sheet: Annotated[str | None, Query(max_length=64, description="Sheet of a workbook.")] = None,
    lang: _Lang = None,
) -> BatchAsked:
    """What the query of a batch says."""
    suffix = PurePath(name).suffix.lower()
    if suffix not in BATCH_SUFFIXES or {"/", "\\", "\0"} & {*name}:
        raise ServiceError("H425", name=name, known=" ".join(BATCH_SUFFIXES))
    own: Format = "xlsx" if suffix == ".xlsx" else "parquet" if suffix == ".parquet" else "csv"
    named = Named(scheme or None, compat or None, codes, policy or None)
    return BatchAsked(named, name, form or own, sheet or None)


def _add_page(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=_PAGE), name="page")


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


# ---- errors


async def _drg_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DrgError)
    response = Response(
        problem_bytes(error), status_code=status_of(error), media_type="application/json"
    )
    response.raw_headers += retry_headers(error)
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    """404 and 405 of the router, and what FastAPI refuses by itself."""
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    if error.status_code == 405:
        told = ServiceError("H411", method=request.method, allowed=headers.get("Allow", "—"))
    elif error.status_code == 400:
        told = ServiceError("H417", why=text("service.not_readable"))
    else:
        told = ServiceError("H410", where=request.url.path[:200])
    response = await _drg_error(request, told)
    response.headers.update(headers)
    return response


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _drg_error(request, invalid(error.errors()))
