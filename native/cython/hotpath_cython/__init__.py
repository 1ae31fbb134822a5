from hotpath_cython._arrays import build_profile
from hotpath_cython._screen import screen

__version__ = "0.1.0"

__all__ = ["__version__", "build_profile", "screen"]
