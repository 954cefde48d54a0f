"""Builds the kernel; everything else about the package stands in pyproject.toml.

``DRG_DEBUG=1`` turns on bounds, overflow and reference checks in the compiled code. Such a build
has a folder of its own, so that no object file of the other kind is taken for it.
``DRG_SANITIZE=1`` besides: the compiler checks addresses and undefined behaviour (``make debug``).
"""

import os
import sys
import sysconfig

from Cython.Build import cythonize
from setuptools import Extension, setup

debug = os.environ.get("DRG_DEBUG") == "1"
sanitize = debug and os.environ.get("DRG_SANITIZE") == "1"
build_base = f"build/{'sanitized' if sanitize else 'debug' if debug else 'release'}"
# Without the interpreter's lock the kernel runs (docs/install.md), polars does not yet.
if sysconfig.get_config_var("Py_GIL_DISABLED") and os.environ.get("DRG_FREE_THREADED") != "1":
    sys.exit(
        "drg-engine needs polars, which has no build for free-threaded Python: take the ordinary "
        "build of this version (DRG_FREE_THREADED=1 builds the kernel all the same)"
    )
modules = (
    "arrays", "arrow", "codes", "combinations", "evaluate", "fit", "kernel", "match", "program",
    "reading",
)  # fmt: skip
# The evaluator is specialised by the number of literal words, which only inlining brings out.
inline = (
    [] if os.name == "nt" or debug else [("CYTHON_INLINE", "inline __attribute__((always_inline))")]
)
optimise = [] if os.name == "nt" else ["-O1", "-g"] if debug else ["-O3", "-g0"]
# A finding ends the process: nothing that was undefined goes on to an answer.
checks = (
    ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    if sanitize
    else []
)

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"grouper_core.{name}",
                [f"grouper_core/{name}.pyx"],
                extra_compile_args=optimise + checks,
                extra_link_args=checks,
                define_macros=inline if name == "evaluate" else [],
            )
            for name in modules
        ],
        build_dir=f"{build_base}/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": debug,
            "wraparound": debug,
            "initializedcheck": debug,
            "overflowcheck": False,
            "cdivision": not debug,
            "embedsignature": True,
            "freethreading_compatible": True,
        },
    ),
    options={
        "build": {"build_base": build_base},
        "build_ext": {"parallel": os.cpu_count() or 1},
    },
)
