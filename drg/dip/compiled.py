"""A compiled catalogue: the kernel's arrays and the names its numbers stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import grouper_core
from drg.dip.model import Condition

__all__ = ["CompiledCatalogue", "DipLeaf"]


class DipLeaf(NamedTuple):
    """Where a decision can end.

    Attributes
    ----------
    adrg, group, name : str or None
        Group code without and with its auxiliary subtype, and its name; None where none was found.
    outcome : str
        ``GROUPED``, ``UNGROUPABLE`` or ``REJECTED``.
    reason : str or None
        Of an outcome other than ``GROUPED``.
    type : str or None
        ``core.surgery``.
    auxiliary : str or None
        Subtype.
    score_e4 : int or None
        Score × 10⁴; None where nothing is published.
    """

    adrg: str | None
    group: str | None
    name: str | None
    outcome: str
    reason: str | None = None
    type: str | None = None
    auxiliary: str | None = None
    score_e4: int | None = None


@dataclass(frozen=True)
class CompiledCatalogue:
    """A catalogue as the kernel takes it, with the names behind its numbers.

    Attributes
    ----------
    arrays, settings
        What ``grouper_core.CombinationProgram`` takes.
    packed_leaves : bytes
        ``leaves`` as JSON: unpacked when first asked for.
    reasons : tuple of str
        By reason number; 0 is "no reason".
    decided : tuple of (str or None)
        By the kernel's ``decided`` number; None: only one group fitted.
    conditions : tuple of Condition
        Bit ``n`` of the words ``true`` and ``unknown`` is condition ``n``. The kernel sets those
        of ``secondary``, ``cci`` and ``cost_multiple`` itself and heeds only the others.
    twins : mapping of {"dx", "px"} to mapping of str to str
        Spellings to be replaced before they go to the kernel, as ``drg.schemes.compiled`` says.
    """

    id: str
    digest: str
    arrays: Mapping[str, NDArray[np.generic]]
    settings: Mapping[str, int]
    packed_leaves: bytes
    reasons: tuple[str, ...]
    decided: tuple[str | None, ...]
    conditions: tuple[Condition, ...]
    twins: Mapping[str, Mapping[str, str]]

    @cached_property
    def leaves(self) -> tuple[DipLeaf, ...]:
        """Where decisions can end, by leaf number."""
        return tuple(map(DipLeaf._make, json.loads(self.packed_leaves)))

    def program(self) -> grouper_core.CombinationProgram:
        """The kernel's program; every offset is checked here."""
        return grouper_core.CombinationProgram(dict(self.arrays), dict(self.settings))
