from hotpath_rust._native import KernelPanic, __version__, build_profile, screen

__all__ = ["KernelPanic", "__version__", "build_profile", "screen"]
