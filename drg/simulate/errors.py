"""Errors for callers of simulations; wording in the catalogue's file ``simulate``."""

from __future__ import annotations

from drg.errors import DrgError

__all__ = ["SimulateError"]


class SimulateError(DrgError, ValueError):
    """What is asked of a simulation cannot be (G401-G419)."""

    area = "simulate"
    exit_code = 2
