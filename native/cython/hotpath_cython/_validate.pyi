import numpy as np
from numpy.typing import NDArray

from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import RuleTables

def validate(payments: PaymentColumns, rules: RuleTables) -> NDArray[np.uint32]:
    """The broken rules of each payment, as bits of Violation.

    payments: n may be 0; items may hold any bytes and may be empty.
    rules: every place of a country is one of the tables, every length 4 to 34.
    Returns: uint32[n].
    Raises: TypeError, ValueError, MemoryError.
    """
