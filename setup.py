"""Builds the kernel; everything else about the package stands in pyproject.toml.

``DRG_DEBUG=1`` turns on bounds, overflow and reference checks in the compiled code. Such a build
has a folder of its own, so that no object file of the other kind is taken for it.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

debug = os.environ.get("DRG_DEBUG") == "1"
build_base = "build/debug" if debug else "build/release"
modules = (
    "arrays", "arrow", "codes", "combinations", "evaluate", "fit", "kernel", "match", "program",
    "reading",
)  # fmt: skip
# The evaluator is specialised by the number of literal words, which only inlining brings out.
inline = (
    [] if os.name == "nt" or debug else [("CYTHON_INLINE", "inline __attribute__((always_inline))")]
)
optimise = [] if os.name == "nt" else ["-O1", "-g"] if debug else ["-O3", "-g0"]

setup(
    ext_modules=cythonize(
        [
            Extension(
                f"grouper_core.{name}",
                [f"grouper_core/{name}.pyx"],
                extra_compile_args=optimise,
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
        },
    ),
    options={"build": {"build_base": build_base}},
)
