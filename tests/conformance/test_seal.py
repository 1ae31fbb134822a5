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
from tests.conftest import Remote

VECTORS = {
    kernel: json.loads((Path(__file__).parent / f"vectors/{kernel}.json").read_text())["vectors"]
    for kernel in ("seal", "verify")
}
LARGEST = 130  # past 128, where the path of a proof gets its eighth node
PLACES = 2**31 - 1


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
def test_vector_of_verify(kernels, vector) -> None:
    given_ = vector["input"]
    record, proof, root = (bytes.fromhex(given_[name]) for name in ("record", "proof", "root"))
    is_proven = kernels.verify(record, given_["place"], given_["size"], proof, root)
    assert is_proven is vector["expected"]


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


def thinned(kernels, cases: list, rng: random.Random, count: int) -> list:
    """A call of a remote kernel costs as much as a hundred of the others."""
    return rng.sample(cases, min(count, len(cases))) if isinstance(kernels, Remote) else cases


def test_proofs_of_sizes_1_to_130_are_verified(kernels) -> None:
    records, tree = largest_batch()
    cases = [(place, size) for size in range(1, LARGEST + 1) for place in range(size)]
    for place, size in thinned(kernels, cases, random.Random(29), 600):
        proof = independent_proof(tree, place, size)
        assert kernels.verify(records[place], place, size, proof, tree.get_root(size)) is True


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 64, 130])
def test_a_proof_with_any_bit_changed_is_rejected(kernels, size) -> None:
    records, tree = largest_batch()
    root = tree.get_root(size)
    rng = random.Random(size)
    for place in sorted({0, size // 2, size - 1}):
        record, proof = records[place], independent_proof(tree, place, size)
        for bit in thinned(kernels, list(range(8 * len(proof))), rng, 60):
            spoilt = flipped(proof, bit)
            assert kernels.verify(record, place, size, spoilt, root) is False
        for bit in thinned(kernels, list(range(8 * len(root))), rng, 20):
            assert kernels.verify(record, place, size, proof, flipped(root, bit)) is False
        for bit in thinned(kernels, list(range(8 * len(record))), rng, 20):
            assert kernels.verify(flipped(record, bit), place, size, proof, root) is False


def flipped(content: bytes, bit: int) -> bytes:
    spoilt = bytearray(content)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


@pytest.mark.parametrize("size", [1, 2, 5, 8, 33, 130])
def test_a_proof_of_another_length_is_rejected(kernels, size) -> None:
    records, tree = largest_batch()
    root = tree.get_root(size)
    for place in sorted({0, size // 3, size - 1}):
        proof = independent_proof(tree, place, size)
        others = [proof[:cut] for cut in range(len(proof))]
        others += [proof[cut:] for cut in range(1, len(proof) + 1)]
        others += [proof + bytes(extra) for extra in (1, 31, 32, 33, 64, 32 * 64)]
        others += [proof + root, root + proof, proof + proof[-32:] if proof else root]
        for other in thinned(kernels, others, random.Random(31), 60):
            assert kernels.verify(records[place], place, size, other, root) is False


def test_a_node_of_another_length_is_no_node_though_its_hash_fits(kernels) -> None:
    for length in (1, 31, 33, 63):
        node = bytes(range(length))
        root = sha256(b"\1" + sha256(b"\0record").digest() + node).digest()
        assert kernels.verify(b"record", 0, 2, node, root) is False


def sides(place: int, size: int) -> list[str]:
    """On which side of the node each node of the path stands, by the definition of PATH.

    Sizes are not hashed: where two of them give one place the same sides, one proof holds
    for both.
    """
    if size == 1:
        return []
    left = 1 << (size - 1).bit_length() - 1
    if place < left:
        return [*sides(place, left), "right"]
    return [*sides(place - left, size - left), "left"]


def test_a_proof_for_another_place_or_size_is_rejected(kernels) -> None:
    records, tree = largest_batch()
    rng = random.Random(37)
    accepted = rejected = 0
    cases = [(size, place) for size in (1, 2, 3, 6, 7, 8, 9, 21, 64, 100) for place in range(size)]
    for size, place in thinned(kernels, cases, rng, 40):
        record, proof, root = (
            records[place],
            independent_proof(tree, place, size),
            tree.get_root(size),
        )
        for other in {0, 1, place - 1, place + 1, place ^ 1, size - 1} - {place}:
            if 0 <= other < size:
                assert kernels.verify(record, other, size, proof, root) is False
        for other in {0, 1, place, place + 1, size - 1, size + 1, size + 2, 2 * size, PLACES}:
            fits = place < other and sides(place, other) == sides(place, size)
            assert kernels.verify(record, place, other, proof, root) is fits
            accepted, rejected = accepted + fits, rejected + (not fits)
    assert accepted > 0
    assert rejected > accepted


def test_places_and_sizes_up_to_the_largest_end_in_an_answer(kernels) -> None:
    for place, size in [(0, PLACES), (PLACES - 1, PLACES), (PLACES, PLACES), (PLACES, 0), (0, 0)]:
        for nodes in (0, 1, 30, 31, 32, 100):
            assert kernels.verify(b"", place, size, bytes(32 * nodes), bytes(32)) is False


def test_the_proof_of_the_last_of_the_largest_size_is_verified(kernels) -> None:
    """Made from the root of PATH: sibling after sibling, each of zeros."""
    node, place, size = sha256(b"\0record").digest(), PLACES - 2, PLACES
    for side in sides(place, size):
        pair = node + bytes(32) if side == "right" else bytes(32) + node
        node = sha256(b"\1" + pair).digest()
    proof = bytes(32 * len(sides(place, size)))
    assert kernels.verify(b"record", place, size, proof, node) is True
    assert kernels.verify(b"record", place - 1, size, proof, node) is False


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
    assert kernels.verify(records[place], place, len(records), proof, root) is True


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    record=st.binary(max_size=70),
    place=st.integers(0, PLACES),
    size=st.integers(0, PLACES) | st.integers(0, 40),
    proof=st.binary(max_size=40) | st.integers(0, 40).map(lambda nodes: bytes(32 * nodes)),
    root=st.binary(max_size=40),
)
def test_a_made_up_proof_proves_nothing(kernels, record, place, size, proof, root) -> None:
    assert kernels.verify(record, place, size, proof, root) is False


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
