"""Speed and memory of making claims.

Run as ``python bench/bench_synth.py [SCHEME] [N] [BATCH]``.
"""

from __future__ import annotations

import resource
import sys
import time

from drg.claims.synth import synth_batches
from drg.schemes.catalog import load_scheme


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "chs-drg-2.0"
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    batch = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    scheme = load_scheme(name)
    begun = time.perf_counter()
    batches = synth_batches(scheme, n, 1, batch)
    ready = time.perf_counter()
    claims = diagnoses = procedures = 0
    for frame in batches:
        claims += frame.height
        diagnoses += frame["diagnoses"].list.len().sum()
        procedures += frame["procedures"].list.len().sum()
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name}: model {ready - begun:.2f} s, {claims / (done - ready):,.0f} claims/s")
    print(f"{diagnoses / claims:.2f} diagnoses, {procedures / claims:.2f} procedures a claim")
    print(f"peak resident memory {peak:,.0f} MB")


if __name__ == "__main__":
    main()
