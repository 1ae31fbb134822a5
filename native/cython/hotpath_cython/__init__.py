"""The kernels in Cython, a module for each, as the contract defines them.

The arrays are read in place, without a copy and without the GIL: no thread may write to them
during the call. The result is new. An argument that is not what the contract says is a TypeError
or ValueError that names it.
"""

from hotpath_cython._arrays import build_profile as build_profile
from hotpath_cython._screen import screen as screen
from hotpath_cython._seal import prove as prove
from hotpath_cython._seal import seal as seal
from hotpath_cython._seal import sha256_source
from hotpath_cython._validate import validate as validate

__version__ = "0.1.0"

build_info = f"{build_profile} build, {sha256_source}"
"""What users are shown: the kind of build, and where SHA-256 comes from."""
