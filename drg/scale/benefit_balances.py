"""What persons have used up in a year, between one month's file and the next.

One row a person and year; amounts are yuan as written. ``claims`` names the visits taken in, so
that a month given twice is refused instead of counted twice.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from drg.benefits.model import Balance
from drg.claims.encoding import DENIED, FULL, system_code
from drg.claims.frame import SEPARATOR
from drg.claims.readers import open_file
from drg.claims.writers import output_suffix, write_frames
from drg.errors import DrgError, InputError
from drg.fen_column import yuan_texts
from drg.money import read_fen
from drg.placing import put_in_place

__all__ = [
    "BALANCE_FILE", "BALANCE_SCHEMA", "BenefitError", "new_balances", "read_balances",
    "refuse_known", "refuse_repeated", "used_up", "with_claims", "written_balances",
]  # fmt: skip

#: Counts and names stay as they are; every other field of a balance is an amount.
_COUNTS, _NAMES = ("visits",), ("region",)
_AMOUNTS = tuple(name for name in Balance._fields if name not in (*_COUNTS, *_NAMES))
_KEYS = ("plan", "year", "patient_id")
_CLAIMS = "claims"
#: In memory: amounts in fen, the claims taken in as a list.
BALANCE_SCHEMA = pl.Schema(
    {
        "plan": pl.String(),
        "year": pl.Int32(),
        "patient_id": pl.String(),
        **{
            name: pl.String() if name in _NAMES else pl.Int64() for name in Balance._fields
        },
        _CLAIMS: pl.List(pl.String()),
    }
)  # fmt: skip
#: Columns of a file, in order.
BALANCE_FILE: tuple[str, ...] = tuple(BALANCE_SCHEMA.names())
#: What a hand-made file may leave out: nothing used, no claims taken in.
_OPTIONAL = (*Balance._fields, _CLAIMS)
#: A file of few persons is quick in any case; a year is four digits.
_YEARS = (1990, 2100)


class BenefitError(DrgError, ValueError):
    """A run of benefits cannot be done with what is given."""

    exit_code = 2


def new_balances() -> pl.DataFrame:
    """Nobody has used up anything."""
    return pl.DataFrame(schema=BALANCE_SCHEMA)


def read_balances(path: str | Path, plan: str) -> pl.DataFrame:
    """A balances file, checked in every row.

    Parameters
    ----------
    path : str or Path
        CSV, TSV, Parquet or XLSX with ``BALANCE_FILE``'s columns; amounts may be left out.
    plan : str
        Id of the plan that is run.

    Returns
    -------
    DataFrame
        ``BALANCE_SCHEMA``; amounts Int64 fen, an empty cell is 0.

    Raises
    ------
    InputError
        The file cannot be read (F1xx).
    BenefitError
        B430 a column is missing, B431 a cell cannot be read, B435 another plan's balances, B436 a
        person twice.
    """
    path = Path(path)
    with open_file(path) as source:
        frame = source.cells()
    where = str(path)
    missing = [name for name in _KEYS if name not in frame.columns]
    if missing:
        raise BenefitError("B430", where=where, column=missing[0], known=", ".join(BALANCE_FILE))
    absent = [pl.lit(None, pl.String).alias(n) for n in _OPTIONAL if n not in frame.columns]
    frame = frame.with_columns(absent).select(BALANCE_FILE)
    out = {
        "plan": _told(frame["plan"], where),
        "year": _whole(frame["year"], where, *_YEARS).cast(pl.Int32),
        "patient_id": _told(frame["patient_id"], where),
        **{name: _whole(frame[name], where, 0).fill_null(0) for name in _COUNTS},
        **{name: _amount(frame[name], where) for name in _AMOUNTS},
        **{name: frame[name].cast(pl.String).fill_null("") for name in _NAMES},
        _CLAIMS: _listed(frame[_CLAIMS]),
    }
    found = pl.DataFrame(out).select(BALANCE_FILE)
    if (unread := found["year"].is_null().arg_max()) is not None and found["year"].has_nulls():
        raise _bad(where, unread, "year", "")
    others = found["plan"].unique().drop_nulls().sort().to_list()
    if others and others != [plan]:
        other = next(name for name in others if name != plan)
        raise BenefitError("B435", where=where, plan=plan, found=other)
    twice = found.filter(pl.struct("year", "patient_id").is_duplicated())
    if twice.height:
        row = twice.row(0, named=True)
        raise BenefitError("B436", where=where, patient=row["patient_id"], year=row["year"])
    return found


def used_up(balances: pl.DataFrame) -> pl.DataFrame:
    """What ``settle_frame`` reads of balances."""
    return balances.drop("plan", _CLAIMS)


def refuse_repeated(keys: pl.DataFrame, where: str, *, kept: bool) -> None:
    """Refuse a file whose visits could not be told apart.

    Parameters
    ----------
    keys : DataFrame
        ``patient_id`` and ``claim_id`` of every row.
    where : str
        The file.
    kept : bool
        Balances are written: every visit of a known person then needs an id, or the same month
        given again would not be noticed.

    Raises
    ------
    BenefitError
        B433 one id stands twice, B434 an id is missing or cannot be kept.
    """
    rows = keys.with_row_index("row", 1).filter(pl.col("patient_id").is_not_null())
    nameless = rows.filter(
        pl.col("claim_id").is_null() | pl.col("claim_id").str.contains(SEPARATOR, literal=True)
    )
    if kept and nameless.height:
        raise BenefitError(
            "B434", where=where, count=f"{nameless.height:,}", row=nameless["row"][0]
        )
    told = rows.filter(pl.col("claim_id").is_not_null())
    again = told.filter(~pl.struct("patient_id", "claim_id").is_first_distinct())
    if again.height:
        first = again.row(0, named=True)
        raise BenefitError(
            "B433", where=where, count=f"{again.height:,}", id=first["claim_id"], row=first["row"]
        )


def refuse_known(keys: pl.DataFrame, balances: pl.DataFrame, where: str) -> None:
    """Refuse claims that the balances have taken in already.

    Raises
    ------
    BenefitError
        B432: names the first such claim and how many there are.
    """
    taken = balances.lazy().select("patient_id", pl.col(_CLAIMS).alias("claim_id"))
    taken = taken.explode("claim_id").drop_nulls().unique()
    found = keys.lazy().with_row_index("row", 1).join(taken, on=["patient_id", "claim_id"])
    again = found.sort("row").collect()
    if again.height:
        first = again.row(0, named=True)
        raise BenefitError(
            "B432", where=where, count=f"{again.height:,}", of=f"{keys.height:,}",
            id=first["claim_id"], row=first["row"],
        )  # fmt: skip


def with_claims(
    before: pl.DataFrame, after: pl.DataFrame, keys: pl.DataFrame, plan: str
) -> pl.DataFrame:
    """Balances after a run: persons the run did not touch stay as they were.

    Parameters
    ----------
    before : DataFrame
        ``BALANCE_SCHEMA``.
    after : DataFrame
        ``year``, ``patient_id`` and the fields of a balance, of those who had a visit.
    keys : DataFrame
        ``year``, ``patient_id`` and ``claim_id`` of the visits that were settled.
    plan : str

    Returns
    -------
    DataFrame
        ``BALANCE_SCHEMA``, by year and person.
    """
    own = ["year", "patient_id"]
    told = keys.lazy().filter(pl.all_horizontal(pl.all().is_not_null()))
    new = told.group_by(own).agg(pl.col("claim_id").sort().alias("new"))
    old = before.lazy().select(*own, _CLAIMS)
    touched = (
        after.lazy()
        .join(old, on=own, how="left")
        .join(new, on=own, how="left")
        .with_columns(
            pl.lit(plan).alias("plan"),
            pl.concat_list(pl.col(_CLAIMS, "new").fill_null(pl.lit([], pl.List(pl.String))))
            .alias(_CLAIMS),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in BALANCE_SCHEMA.items())
    )  # fmt: skip
    kept = before.lazy().join(touched, on=own, how="anti")
    return pl.concat([kept, touched]).sort(own).collect()


@contextmanager
def written_balances(path: str | Path | None, balances: pl.DataFrame) -> Iterator[None]:
    """Write balances beside their place, and move them there when the block has ended well.

    The block writes the settled claims: so the two files appear together, the claims first.

    Parameters
    ----------
    path : str or Path or None
        None: nothing is written.
    balances : DataFrame
        ``BALANCE_SCHEMA``.

    Raises
    ------
    InputError
        F2xx: it cannot be written.
    """
    if path is None:
        yield
        return
    final = Path(path).resolve()
    suffix = output_suffix(final)
    draft = final.with_name(f".{final.stem}.{secrets.token_hex(4)}{suffix}")
    try:
        write_frames(draft, _as_written(balances))
        yield
        put_in_place(draft, final)
    except OSError as error:
        system = system_code(error)
        code = "F209" if system in FULL else "F210" if system in DENIED else "F204"
        raise InputError(code, where=str(path), system=system) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _as_written(balances: pl.DataFrame) -> pl.DataFrame:
    """Amounts as yuan, claims joined: the same texts in every format."""
    return balances.select(
        *_KEYS,
        *_COUNTS,
        *(yuan_texts(balances[name]) for name in _AMOUNTS),
        *_NAMES,
        pl.col(_CLAIMS).list.join(SEPARATOR),
    ).select(BALANCE_FILE)


def _told(series: pl.Series, where: str) -> pl.Series:
    texts = series.cast(pl.String).str.strip_chars()
    blank = texts.is_null() | (texts == "")
    if blank.any():
        raise _bad(where, int(blank.arg_max() or 0), series.name, "")
    return texts


def _whole(series: pl.Series, where: str, least: int, most: int = 2**31) -> pl.Series:
    texts = series.cast(pl.String).str.strip_chars()
    there = texts.is_not_null() & (texts != "")
    numbers = texts.cast(pl.Int64, strict=False)
    wrong = there & (numbers.is_null() | (numbers < least) | (numbers > most)).fill_null(True)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise _bad(where, row, series.name, texts[row])
    return numbers


def _amount(series: pl.Series, where: str) -> pl.Series:
    read = read_fen(series)
    wrong = read.unreadable | read.rounded | (read.fen < 0).fill_null(False)
    if wrong.any():
        row = int(wrong.arg_max() or 0)
        raise _bad(where, row, series.name, str(series[row]))
    return read.fen.fill_null(0).alias(series.name)


def _listed(series: pl.Series) -> pl.Series:
    if isinstance(series.dtype, pl.List):
        return series.cast(pl.List(pl.String)).fill_null(pl.Series([[]], dtype=pl.List(pl.String)))
    texts = series.cast(pl.String).fill_null("")
    return texts.str.split(SEPARATOR).list.eval(pl.element().filter(pl.element() != ""))


def _bad(where: str, row: int, column: str, value: str | None) -> BenefitError:
    return BenefitError("B431", where=where, row=row + 1, column=column, value=value or "")
