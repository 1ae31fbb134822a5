"""`validate`: the rules are built into the sidecar, and named by their version."""

from __future__ import annotations

import grpc
import grpc.aio
import numpy as np
from numpy.typing import NDArray

from service.errors import ServiceError
from service.gen.hotpath.v1 import kernels_pb2 as pb
from service.offload.remote.channel import Channel, call, service_errors
from service.screening.contract.kernels import PaymentColumns
from service.screening.contract.payment_rules import RuleTables
from service.screening.engines.go.messages import SERVICE, packed


async def validate(
    channel: Channel, timeout_s: float, payments: PaymentColumns, rules: RuleTables
) -> tuple[NDArray[np.uint32], float]:
    """Returns: the broken rules, and the seconds that the kernel took inside the sidecar.

    Raises: ServiceError engine_down, where the sidecar was built with other rules.
    """
    request = pb.ValidateRequest(
        rules_version=rules.version,
        end_to_end_id=packed(payments.end_to_end_id),
        debtor_iban=packed(payments.debtor_iban),
        creditor_iban=packed(payments.creditor_iban),
        creditor_bic=packed(payments.creditor_bic),
        currency=packed(payments.currency),
        amount=packed(payments.amount),
    )
    with service_errors():
        try:
            answer = await call(
                channel, timeout_s, SERVICE + "Validate", request, pb.ValidateResponse
            )
        except grpc.aio.AioRpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:
                raise
            # Unlike an index, rules cannot be sent: asking again would not help.
            raise ServiceError(
                "engine_down",
                "the sidecar was built with other payment rules than the service; update it",
            ) from error
    return np.frombuffer(answer.violations, dtype="<u4"), answer.compute_ns / 1e9
