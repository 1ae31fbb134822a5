"""hotpath: a FastAPI service whose CPU-bound hot path runs on interchangeable engines."""

__version__ = "0.1.0"
