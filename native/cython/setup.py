"""Compiles the kernels; HOTPATH_CYTHON_DEBUG=1 checks every index of a memoryview."""

import os
from glob import glob

from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("HOTPATH_CYTHON_DEBUG") == "1"

setup(
    ext_modules=cythonize(
        [
            Extension(
                "hotpath_cython.*",
                ["hotpath_cython/*.pyx"],
                # A fused multiply-add rounds once where the contract rounds twice.
                extra_compile_args=["-O3", "-ffp-contract=off", "-g0"],
                include_dirs=["hotpath_cython"],
                depends=glob("hotpath_cython/*.h"),
                define_macros=[("HOTPATH_CYTHON_DEBUG", str(int(DEBUG)))],
            )
        ],
        compiler_directives={
            "language_level": 3,
            # Safe to leave out: what is indexed was checked on entry by `_arrays`, and
            # the debug build runs the same tests with the checks on.
            "boundscheck": DEBUG,
            "initializedcheck": DEBUG,
            "wraparound": False,
            "cdivision": True,
        },
        build_dir="build",  # the generated C is no source, and belongs in no package
        force=True,  # the directives are no part of what Cython compares
    )
)
