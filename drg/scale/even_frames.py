"""Frames of one size, however a reader cuts its file: parts are to be the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

__all__ = ["even_frames"]


def even_frames(frames: Iterator[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """The same rows in the same order, in frames of exactly ``size`` rows but for the last."""
    kept: list[pl.DataFrame] = []
    rows = 0
    for frame in frames:
        kept.append(frame)
        rows += frame.height
        while rows >= size:
            whole = kept[0] if len(kept) == 1 else pl.concat(kept, rechunk=True)
            yield whole.head(size)
            rows -= size
            kept = [whole.slice(size)] if rows else []
    if rows:
        yield kept[0] if len(kept) == 1 else pl.concat(kept, rechunk=True)
