"""Errors for callers and table authors: what is wrong, where, and how to mend it.

Trouble inside a claim is never an exception: it becomes an outcome and a reason on that row.
Each error carries a code; its wording (Chinese and English) stands in the text catalogue.
"""

from __future__ import annotations

from drg import text as _text

__all__ = ["DrgError", "InputError", "SchemeError", "TableError"]


class DrgError(Exception):
    """Base of every error this package raises on purpose.

    Parameters
    ----------
    code : str
        Register code such as ``"T012"``; the catalogue holds its wording and the mend.
    where : str, optional
        File, row and column (or another place) the error speaks of.
    **params
        Values that the wording names.

    Attributes
    ----------
    exit_code : int
        What the command line ends with (DESIGN: 2 usage and input, 3 table or policy).
    """

    area = "errors"
    exit_code = 3

    def __init__(self, code: str, *, where: str = "", **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.where = where
        self.params = params

    def message(self, lang: str | None = None) -> str:
        """One line: code, what happened, where, and the mend."""
        what = _text.text(f"{self.area}.{self.code}", lang, **self.params)
        mend = _text.text(f"{self.area}.{self.code}.mend", lang, **self.params)
        parts = [f"[{self.code}] {what}"]
        if self.where:
            parts.append(self.where)
        if mend:
            parts.append(mend)
        return " — ".join(parts)

    def __str__(self) -> str:
        return self.message()

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, self.where, self.params))


def _rebuild(cls: type[DrgError], code: str, where: str, params: dict[str, object]) -> DrgError:
    return cls(code, where=where, **params)


class InputError(DrgError, ValueError):
    """A claim file, or an argument naming one, cannot be used."""

    area = "readers"
    exit_code = 2


class TableError(DrgError, ValueError):
    """A table of a scheme is broken: the message names file, row, column and mend."""


class SchemeError(DrgError, LookupError):
    """A scheme cannot be found or does not hold together."""
