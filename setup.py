"""Builds the kernel; everything else about the package stands in pyproject.toml.

``DRG_DEBUG=1`` turns on bounds, overflow and reference checks in the compiled code.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

debug = os.environ.get("DRG_DEBUG") == "1"
modules = ("arrow", "codes", "kernel", "program")
optimise = [] if os.name == "nt" else ["-O1", "-g"] if debug else ["-O3"]

setup(
    ext_modules=cythonize(
        [
            Extension(f"grouper_core.{name}", [f"grouper_core/{name}.pyx"], extra_compile_args=optimise)
            for name in modules
        ],
        compiler_directives={
            "language_level": 3,
            "boundscheck": debug,
            "wraparound": debug,
            "initializedcheck": debug,
            "cdivision": not debug,
            "embedsignature": True,
        },
        force=debug,
    )
)
