"""Whole files through the engine: group, check, find a claim, and the demonstration month.

Reads by ``drg.claims``, decides by ``drg.grouping``; everything streams batch by batch, so that
memory does not grow with the file. May import every layer below; only the command line and a
service stand above it. Importing this package loads no polars; its modules do.
"""

from __future__ import annotations

from drg.errors import DrgError

__all__ = ["RunError"]


class RunError(DrgError, ValueError):
    """A run cannot be done as asked: what is given to a command does not go together."""

    area = "cli"
    exit_code = 2
