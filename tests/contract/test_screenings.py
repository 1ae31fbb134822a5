"""/v1/screenings: checked, screened, sealed, kept; proven record by record. The service only."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import ENGINE_NAMES
from tests.contract.conftest import Api
from tests.contract.samples import INSTANT, UNKNOWN_ID, UUID7, new_id, payment, problem

NAMES = ["Zia Logistics GmbH", "Jon Smyth", "", "ÉCOLE d'Été", "名 前", "İstanbul Ⅻ", "SMYTH, Jon"]


def batch(size: int) -> list[dict]:
    """Payments of which every third breaks a rule."""
    return [
        payment(
            end_to_end_id=f"E-{number}",
            debtor_name=NAMES[number % len(NAMES)],
            creditor_name=NAMES[number // 2 % len(NAMES)],
            amount=f"{number}.50" if number % 3 else "0",
        )
        for number in range(size)
    ]


def canonical(sent: dict[str, str]) -> bytes:
    """RFC 8785 of an object of strings: its 3.2.2.2 for the text, its 3.2.3 for the order."""
    short = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}

    def quoted(text: str) -> str:
        letters = []
        for letter in text:
            if letter in short:
                letters.append(short[letter])
            elif letter in '"\\':
                letters.append("\\" + letter)
            elif letter < " ":
                letters.append(f"\\u{ord(letter):04x}")
            else:
                letters.append(letter)
        return '"' + "".join(letters) + '"'

    names = sorted(sent, key=lambda name: name.encode("utf-16-be"))
    return ("{" + ",".join(f"{quoted(n)}:{quoted(sent[n])}" for n in names) + "}").encode()


def tree_hash(records: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there."""
    if len(records) <= 1:
        return hashlib.sha256(b"".join(b"\0" + record for record in records)).digest()
    k = 1 << (len(records) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree_hash(records[:k]) + tree_hash(records[k:])).digest()


def is_proven(record: bytes, place: int, size: int, proof: list[str], root: str) -> bool:
    """RFC 9162, 2.1.3.2."""
    fn, sn, r = place, size - 1, hashlib.sha256(b"\0" + record).digest()
    for p in map(bytes.fromhex, proof):
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r.hex() == root


def screen(api: Api, payments: list[dict], engine: str = "rust", **fields: object):
    answer = api.post(
        "/v1/screenings", json={"payments": payments, **fields}, headers={"X-Engine": engine}
    )
    assert answer.status_code == 201, answer.text
    return answer


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_batch_is_screened_and_read_back(service: Api, size: int) -> None:
    payments = batch(size)
    answer = screen(service, payments)
    body = answer.json()
    assert list(body) == ["id", "created_at", "root", "size", "engine", "results"]
    assert UUID7.fullmatch(body["id"])
    assert INSTANT.fullmatch(body["created_at"])
    age = datetime.now(UTC) - datetime.fromisoformat(body["created_at"])
    assert timedelta() <= age < timedelta(seconds=60)
    assert body["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    assert (body["size"], body["engine"], len(body["results"])) == (size, "rust", size)
    assert answer.headers["Location"] == f"/v1/screenings/{body['id']}"
    assert answer.headers["X-Engine"] == "rust"
    read = service.get(answer.headers["Location"])
    assert (read.status_code, read.content) == (200, answer.content)


@pytest.mark.parametrize(("cutoff", "limit"), [(0.9, 5), (0.7, 20), (0, 1), (1, 1)])
def test_results_agree_with_the_stateless_routes(service: Api, cutoff, limit) -> None:
    payments = [*batch(14), batch(14)[3]]
    results = screen(service, payments, cutoff=cutoff, limit=limit).json()["results"]
    judged = service.post("/v1/validations", json={"payments": payments}).json()["results"]
    assert [found["violations"] for found in results] == [one["violations"] for one in judged]
    assert results[14]["violations"] == ["amount_range", "end_to_end_id_duplicate"]
    for side in ("debtor", "creditor"):
        names = [sent[f"{side}_name"] for sent in payments]
        query = {"names": names, "cutoff": cutoff, "limit": limit}
        matched = service.post("/v1/matches", json=query).json()["results"]
        assert [found[f"{side}_hits"] for found in results] == [one["hits"] for one in matched]
    if cutoff < 0.9:
        assert any(found["debtor_hits"] for found in results)


def test_cutoff_and_limit_have_defaults(service: Api) -> None:
    payments = batch(7)
    defaults = screen(service, payments).json()["results"]
    assert defaults == screen(service, payments, cutoff=0.9, limit=5).json()["results"]


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_engine_seals_and_screens_alike(service: Api, engine: str) -> None:
    payments = batch(5)
    body = screen(service, payments, engine, cutoff=0.7).json()
    assert body["engine"] == engine
    assert body["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    assert body["results"] == screen(service, payments, cutoff=0.7).json()["results"]
    answer = service.get(f"/v1/screenings/{body['id']}/proofs/3", headers={"X-Engine": engine})
    proof = answer.json()
    assert answer.headers["X-Engine"] == engine
    assert is_proven(proof["record"].encode(), 3, 5, proof["proof"], body["root"])


@pytest.mark.parametrize("size", [1, 2, 7, 65])
def test_every_record_of_a_batch_is_proven(service: Api, size: int) -> None:
    payments = batch(size)
    created = screen(service, payments).json()
    for place, sent in enumerate(payments):
        answer = service.get(f"/v1/screenings/{created['id']}/proofs/{place}")
        assert answer.status_code == 200
        body = answer.json()
        assert body.keys() == {"place", "size", "root", "record", "proof"}
        assert (body["place"], body["size"], body["root"]) == (place, size, created["root"])
        assert body["record"].encode() == canonical(sent)
        assert is_proven(canonical(sent), place, size, body["proof"], created["root"])
        assert not is_proven(canonical(sent) + b" ", place, size, body["proof"], created["root"])


def test_records_of_a_large_batch_are_proven(service: Api) -> None:
    payments = batch(1000)
    created = screen(service, payments).json()
    for place in (0, 1, 499, 511, 512, 998, 999):
        body = service.get(f"/v1/screenings/{created['id']}/proofs/{place}").json()
        assert is_proven(canonical(payments[place]), place, 1000, body["proof"], created["root"])


def test_a_record_is_the_payment_as_canonical_json(service: Api) -> None:
    strange = '\0 q" b\\ /\b\t\n\f\r\x01\x1f\x7f\x80 é ü e\u0301 \u2028\u2029 \ufeff 🦊 \U0010ffff'
    payments = [payment(debtor_name=strange, amount="1.5", end_to_end_id="\n"), payment()]
    created = screen(service, payments).json()
    assert created["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    first = service.get(f"/v1/screenings/{created['id']}/proofs/0").json()
    assert first["record"].encode() == canonical(payments[0])


@pytest.mark.parametrize("place", ["2", "-1", "1000", "9" * 30])
def test_a_proof_out_of_the_batch_is_not_found(service: Api, place: str) -> None:
    created = screen(service, batch(2)).json()
    problem(service.get(f"/v1/screenings/{created['id']}/proofs/{place}"), "not_found")


def test_what_is_no_place_or_no_id_is_refused(service: Api) -> None:
    created = screen(service, batch(1)).json()
    problem(service.get(f"/v1/screenings/{created['id']}/proofs/x"), "invalid_argument", "place")
    problem(service.get("/v1/screenings/x/proofs/0"), "invalid_argument", "id")
    problem(service.get("/v1/screenings/x"), "invalid_argument", "id")
    problem(service.get(f"/v1/screenings/{UNKNOWN_ID}"), "not_found")
    problem(service.get(f"/v1/screenings/{UNKNOWN_ID}/proofs/0"), "not_found")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"payments": []}, "payments"),
        ({"payments": [payment()] * 1001}, "payments"),
        ({}, "payments"),
        ({"payments": [payment()], "limit": 0}, "limit"),
        ({"payments": [payment()], "limit": 21}, "limit"),
        ({"payments": [payment()], "cutoff": 1.1}, "cutoff"),
        ({"payments": [payment()], "x": 1}, "x"),
        ({"payments": [payment(), payment(amount=1)]}, "payments[1].amount"),
        ({"payments": [payment(debtor_name="a" * 513)]}, "payments[0].debtor_name"),
    ],
)
def test_bad_input_is_a_problem_and_nothing_is_stored(service: Api, body, field) -> None:
    count = "SELECT count(*) FROM screenings"
    before = service.database.rows(count)
    problem(service.post("/v1/screenings", json=body), "invalid_argument", field)
    assert service.database.rows(count) == before


def test_screenings_are_listed_without_results_the_newest_first(service: Api) -> None:
    wanted = [screen(service, batch(n)).json() for n in (1, 2, 3)][::-1]
    for document in wanted:
        del document["results"]
    page = service.get("/v1/screenings?limit=2").json()
    assert page == {"screenings": wanted[:2], "next": wanted[1]["id"]}
    screen(service, batch(1))
    page = service.get("/v1/screenings", params={"limit": 1, "after": page["next"]}).json()
    assert page["screenings"] == wanted[2:]
    problem(service.get("/v1/screenings?limit=0"), "invalid_argument", "limit")
    problem(service.get("/v1/screenings?after=x"), "invalid_argument", "after")


def test_a_key_makes_a_screening_happen_once(service: Api) -> None:
    body, key = {"payments": batch(3)}, new_id("key")
    headers = {"Idempotency-Key": key}
    first = service.post("/v1/screenings", json=body, headers=headers)
    again = service.post("/v1/screenings", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = service.post("/v1/screenings", json={"payments": batch(2)}, headers=headers)
    problem(other, "idempotency_key_reused")
    # A key is one of its path: a payment may have the same.
    paid = service.pay(payment(), key)
    assert paid.status_code == 201
    assert "Idempotency-Replayed" not in paid.headers


def test_the_gateway_has_none(fleet) -> None:
    gateway = fleet["gateway-sqlite"]
    problem(gateway.post("/v1/screenings", json={"payments": [payment()]}), "not_found")
    problem(gateway.get(f"/v1/screenings/{UNKNOWN_ID}"), "not_found")


def test_the_tree_hash_of_this_test_is_the_one_of_the_rfc() -> None:
    leaf = [hashlib.sha256(b"\0" + bytes([n])).digest() for n in range(3)]
    pair = hashlib.sha256(b"\1" + leaf[0] + leaf[1]).digest()
    root = hashlib.sha256(b"\1" + pair + leaf[2]).digest()
    assert tree_hash([bytes([n]) for n in range(3)]) == root
    assert is_proven(b"\2", 2, 3, [pair.hex()], root.hex())
    assert not is_proven(b"\2", 1, 3, [pair.hex()], root.hex())
