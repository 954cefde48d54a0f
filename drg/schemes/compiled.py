"""A compiled scheme: the kernel's arrays and the names its numbers stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import grouper_core


class Leaf(NamedTuple):
    """Where a decision can end."""

    mdc: str | None
    adrg: str | None
    group: str | None
    group_name: str | None
    outcome: str
    reason: str | None = None


@dataclass(frozen=True)
class Compiled:
    """A scheme as the kernel takes it, with the names behind its numbers.

    Attributes
    ----------
    arrays, settings
        What ``grouper_core.Program`` takes.
    leaves : tuple of Leaf
        By leaf number.
    reasons : tuple of str
        By reason number; 0 is "no reason".
    fields : tuple of str
        Scalar fields the program reads, by column number.
    choices : mapping of str to tuple of str
        For each choice field its named values; value ``i`` is coded ``i + 1``, others 0.
    twins : mapping of {"dx", "px"} to mapping of str to str
        Spellings to be replaced before they go to the kernel: it takes equal ids for equal codes,
        and two clinical codes may stand for one insurance code. Empty in the insurance edition.
    """

    id: str
    digest: str
    compat: str
    arrays: Mapping[str, NDArray[np.generic]]
    settings: Mapping[str, object]
    leaves: tuple[Leaf, ...]
    reasons: tuple[str, ...]
    fields: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    twins: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def program(self) -> grouper_core.Program:
        """The kernel's program; every offset is checked here."""
        return grouper_core.Program(dict(self.arrays), dict(self.settings))
