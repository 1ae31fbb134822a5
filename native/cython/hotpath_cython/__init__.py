from hotpath_cython._arrays import build_profile
from hotpath_cython._screen import screen
from hotpath_cython._seal import prove, seal, sha256_source, verify
from hotpath_cython._validate import validate

__version__ = "0.1.0"

build_info = f"{build_profile} build, {sha256_source}"

__all__ = [
    "__version__",
    "build_info",
    "build_profile",
    "prove",
    "screen",
    "seal",
    "validate",
    "verify",
]
