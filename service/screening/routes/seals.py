"""Sealing batches of records: the portable caller of the kernels `seal` and `prove`."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError, to_json

from service.errors import ServiceError
from service.http.engines import ServingEngine, from_body
from service.http.json_bodies import StrictJson
from service.http.problems import RESPONSES
from service.offload.job import Cost, FromBody, Held, Job, Results, Work
from service.packed import Blobs

MAX_RECORDS = 10_000
MAX_PROOFS = 1_000
NODE_BYTES = 32


def _decoded(text: object) -> bytes:
    try:
        if isinstance(text, str) and len(text) % 4 == 0:  # Python would take padding in excess
            return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    raise PydanticCustomError("base64", "not base64", {"expected": "base64 (RFC 4648, padded)"})


_BASE64 = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"

Record = Annotated[
    bytes,
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _BASE64}),
]


class SealRequest(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"records": ["aGVsbG8=", "d29ybGQ="], "prove": [1]}]},
    )

    records: Annotated[list[Record], Field(max_length=MAX_RECORDS)] = Field(
        description="byte strings in base64, in order; none is a batch too"
    )
    prove: Annotated[list[int], Field(max_length=MAX_PROOFS)] = Field(
        default=[], description="places whose inclusion proofs are wanted"
    )


class SealResponse(BaseModel):
    root: str = Field(
        description="hex",
        examples=["24233339aadcedf287d262413f03c028eb8db397edd32a2878091151b99bf20f"],
    )
    size: int = Field(examples=[2])
    proofs: dict[str, list[str]] = Field(description="by place: hex nodes, leaf's sibling first")


def _prepare(_held: Held, records: list[bytes], prove: list[int]) -> Work:
    packed = Blobs.pack(records)
    calls: dict[str, tuple[Any, ...]] = {"seal": (packed,)}
    if prove:
        calls["prove"] = (packed, np.array(prove, dtype="<i4"))
    return Work(calls)


def _finish(
    _held: Held, _kept: None, results: Results, records: list[bytes], prove: list[int]
) -> bytes:
    """SealResponse as JSON."""
    proofs = {str(place): nodes_hex(proof) for place, proof in zip(prove, results.get("prove", ()))}
    return to_json({"root": results["seal"].hex(), "size": len(records), "proofs": proofs})


def nodes_hex(proof: bytes) -> list[str]:
    return [proof[i : i + NODE_BYTES].hex() for i in range(0, len(proof), NODE_BYTES)]


def _cost(_held: Held, records: list[bytes], prove: list[int]) -> Cost:
    return Cost(1e-5 + 1.5e-7 * len(records) + 1e-5 * len(prove), 2e-7 * len(records))


def _arguments(_held: Held) -> tuple[Any, ...]:
    return MAX_RECORDS, MAX_PROOFS


SEAL_BODY = FromBody(
    "seal", "answer_seals", _arguments, to_json({"records": ["aGk="], "prove": [0]})
)
SEAL = Job("seal", _prepare, _finish, _cost, rehearsal=([b"rehearsal"], [0]))

router = APIRouter(prefix="/v1", tags=["seals"], route_class=StrictJson)


@router.post(
    "/seals",
    operation_id="create_seals",
    summary="The RFC 9162 Merkle tree hash of the records, with inclusion proofs on request",
    response_model=SealResponse,
    responses=RESPONSES,
)
@from_body(SEAL_BODY)
async def create_seals(request: SealRequest, engine: ServingEngine) -> Response:
    size = len(request.records)
    for position, place in enumerate(request.prove):
        if not 0 <= place < size:
            expected = f"0 to {size - 1}" if size else "no places, as there are no records"
            field = f"prove[{position}]"
            message = f"{field}: expected {expected}, got {place}"
            raise ServiceError("invalid_argument", message, ({"field": field, "message": message},))
    return await engine.run(SEAL, request.records, request.prove)
