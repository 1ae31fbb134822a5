from service.packed import CodePoints
from service.screening.contract.index import NameIndex
from service.screening.contract.kernels import Hits

def screen(queries: CodePoints, index: NameIndex, cutoff: float, limit: int) -> Hits:
    """The best matches of each query by Jaro-Winkler similarity.

    queries: q normalised names; q may be 0, and so may a name's length.
    index: may be empty.
    cutoff: 0 to 1; hits score at least this.
    limit: 1 to 1000 hits per query.
    Returns: rows int32[q, limit] and scores float64[q, limit], best first, equal scores by
        lower row; unused places hold row -1 and score 0.
    Raises: TypeError, ValueError, MemoryError.
    """
