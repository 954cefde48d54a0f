"""Every fuzz target by its name: functions of bytes that raise only when they found something."""

from __future__ import annotations

from collections.abc import Callable

from fuzz import target_files, target_kernel, target_requests, target_tables

__all__ = ["ALL", "TARGETS"]

TARGETS: dict[str, Callable[[bytes], None]] = {
    name: getattr(module, name)
    for module in (target_files, target_tables, target_requests, target_kernel)
    for name in module.__all__
}
#: Those, and what is fuzzed only when it is named.
ALL = {**TARGETS, "damaged": target_files.damaged}
