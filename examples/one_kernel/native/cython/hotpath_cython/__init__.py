"""The kernels in Cython, a module for each, as the contract defines them.

The arrays are read in place, without a copy and without the GIL: no thread may write to them
during the call. The result is new. An argument that is not what the contract says is a TypeError
or ValueError that names it.
"""

from hotpath_cython._arrays import build_profile as build_profile
from hotpath_cython._nearest import nearest as nearest

__version__ = "0.1.0"

build_info = f"{build_profile} build"
"""What users are shown: the kind of build."""
