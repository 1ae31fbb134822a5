"""Every engine gives the trees and proofs of RFC 9162: by vectors and by pymerkle."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from service.packed import Blobs
from tests.conformance.merkle import is_proven

VECTORS = {
    kernel: json.loads((Path(__file__).parent / f"vectors/{kernel}.json").read_text())["vectors"]
    for kernel in ("seal", "verify")
}
LARGEST = 130  # past 128, where the path of a proof gets its eighth node


def places(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int32)


def as_hex(proofs: list[bytes]) -> list[str]:
    assert all(type(proof) is bytes for proof in proofs)
    return [proof.hex() for proof in proofs]


def independent_tree(records: list[bytes]) -> InmemoryTree:
    tree = InmemoryTree(algorithm="sha256")
    for record in records:
        tree.append_entry(record)
    return tree


def independent_proof(tree: InmemoryTree, place: int, size: int) -> bytes:
    # pymerkle counts from 1, and its path begins with the leaf itself.
    return b"".join(tree.prove_inclusion(place + 1, size).path[1:])


@cache
def largest_batch() -> tuple[list[bytes], InmemoryTree]:
    rng = random.Random(19)
    records = [rng.randbytes(rng.randrange(150)) for _ in range(LARGEST)]
    return records, independent_tree(records)


@pytest.mark.parametrize("vector", VECTORS["seal"], ids=lambda vector: vector["id"])
def test_vector_of_seal(kernels, vector) -> None:
    records = Blobs.pack([bytes.fromhex(record) for record in vector["input"]])
    assert kernels.seal(records).hex() == vector["expected"]["root"]
    proofs = kernels.prove(records, places(*range(len(records))))
    assert as_hex(proofs) == vector["expected"]["proofs"]


@pytest.mark.parametrize("vector", VECTORS["verify"], ids=lambda vector: vector["id"])
def test_the_checker_of_proofs_knows_good_from_bad(vector) -> None:
    given_ = vector["input"]
    record, proof, root = (bytes.fromhex(given_[name]) for name in ("record", "proof", "root"))
    found = is_proven(record, given_["place"], given_["size"], proof, root)
    assert found is vector["expected"]


def test_empty_batch_has_the_rfc_root(kernels) -> None:
    assert kernels.seal(Blobs.pack([])) == sha256().digest()


def test_roots_and_proofs_of_sizes_1_to_130_equal_pymerkle(kernels) -> None:
    records, tree = largest_batch()
    for size in range(1, LARGEST + 1):
        batch = Blobs.pack(records[:size])
        assert kernels.seal(batch) == tree.get_root(size)
        expected = [independent_proof(tree, place, size) for place in range(size)]
        assert kernels.prove(batch, places(*range(size))) == expected


def test_proofs_come_in_the_order_of_the_places(kernels) -> None:
    records, tree = largest_batch()
    wanted = [7, 0, 129, 7, 64]
    proofs = kernels.prove(Blobs.pack(records), places(*wanted))
    assert proofs == [independent_proof(tree, place, LARGEST) for place in wanted]
    assert kernels.prove(Blobs.pack(records), places()) == []


def test_a_large_batch_equals_pymerkle(kernels) -> None:
    """Large enough for engines that split the work among threads."""
    rng = random.Random(23)
    for size in (4096, 10_001):
        records = [rng.randbytes(rng.randrange(300)) for _ in range(size)]
        tree = independent_tree(records)
        batch = Blobs.pack(records)
        assert kernels.seal(batch) == tree.get_root()
        some = [0, size - 1, *rng.sample(range(size), 20)]
        expected = [independent_proof(tree, place, size) for place in some]
        assert kernels.prove(batch, places(*some)) == expected


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(records=st.lists(st.binary(max_size=130), min_size=1, max_size=70), data=st.data())
def test_any_batch_equals_pymerkle_and_proves_its_records(kernels, records, data) -> None:
    tree = independent_tree(records)
    batch = Blobs.pack(records)
    root = kernels.seal(batch)
    assert root == tree.get_root()
    place = data.draw(st.integers(0, len(records) - 1))
    (proof,) = kernels.prove(batch, places(place))
    assert proof == independent_proof(tree, place, len(records))
    assert is_proven(records[place], place, len(records), proof, root)


# engine: cython
def test_cython_seals_alike_where_openssl_cannot_be_reached() -> None:
    """As in Pythons that carry OpenSSL inside: it then hashes through hashlib and says so."""
    program = (
        "import _hashlib; del _hashlib.__file__\n"
        "import hotpath_cython as engine; from service.screening.contract.kernels import Blobs\n"
        "assert 'hashlib' in engine.build_info, engine.build_info\n"
        "print(engine.seal(Blobs.pack([b'a', b'', b'c'])).hex())"
    )
    a, b, c = (hashlib.sha256(b"\0" + record).digest() for record in (b"a", b"", b"c"))
    pair = hashlib.sha256(b"\1" + a + b).digest()
    root = hashlib.sha256(b"\1" + pair + c).hexdigest()
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (printed.stdout.strip(), printed.stderr) == (root, "")


# engine: end
