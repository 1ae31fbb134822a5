"""/v1/screenings: checked, screened, sealed, kept; proven record by record."""

from __future__ import annotations

import hashlib
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from service.offload.spec import default
from service.screening.engines import ENGINES
from tests.contract.conftest import Api
from tests.contract.samples import INSTANT, UNKNOWN_ID, UUID7, new_id, payment, problem
from tests.contract.test_kernels import entries, expected_hits
from tests.screening.fixtures import ENGINE_NAMES, misspelt

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


def screen(api: Api, payments: list[dict], **fields: object) -> httpx2.Response:
    answer = api.post("/v1/screenings", json={"payments": payments, **fields})
    assert answer.status_code == 201, answer.text
    return answer


def engine_of(api: Api) -> str:
    return "go" if api.name.startswith("gateway") else default(ENGINES).name


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_batch_is_screened_and_read_back(api: Api, size: int) -> None:
    payments = batch(size)
    answer = screen(api, payments)
    body = answer.json()
    assert list(body) == ["id", "created_at", "root", "size", "engine", "results"]
    assert UUID7.fullmatch(body["id"])
    assert INSTANT.fullmatch(body["created_at"])
    age = datetime.now(UTC) - datetime.fromisoformat(body["created_at"])
    assert timedelta() <= age < timedelta(seconds=60)
    assert body["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    assert (body["size"], body["engine"], len(body["results"])) == (size, engine_of(api), size)
    assert answer.headers["Location"] == f"/v1/screenings/{body['id']}"
    assert answer.headers["Content-Type"] == "application/json"
    read = api.get(answer.headers["Location"])
    assert (read.status_code, read.content) == (200, answer.content)


@pytest.mark.parametrize(("cutoff", "limit"), [(0.9, 5), (0.7, 20), (0, 1), (1, 1)])
def test_results_equal_brute_force(api: Api, watchlist_directory, cutoff, limit) -> None:
    listed = [str(entry["name"]) for entry in entries(watchlist_directory)]
    names = [*NAMES, *misspelt(listed, 14, seed=9), *listed[:3]]
    payments = [
        payment(debtor_name=debtor, creditor_name=creditor)
        for debtor, creditor in zip(names, reversed(names))
    ]
    payments += [payments[3] | {"amount": "0"}, payments[0] | {"currency": "XYZ"}]
    got = screen(api, payments, cutoff=cutoff, limit=limit).json()["results"]
    assert [result["violations"] for result in got] == [
        *([] for _ in names),
        ["amount_range", "end_to_end_id_duplicate"],
        ["currency_unknown", "end_to_end_id_duplicate"],
    ]
    for side in ("debtor", "creditor"):
        queries = [sent[f"{side}_name"] for sent in payments]
        wanted = expected_hits(watchlist_directory, queries, cutoff, limit)
        assert [result[f"{side}_hits"] for result in got] == wanted
        assert any(wanted)


def test_cutoff_and_limit_have_defaults(api: Api) -> None:
    payments = batch(7)
    defaults = screen(api, payments).json()["results"]
    assert defaults == screen(api, payments, cutoff=0.9, limit=5).json()["results"]


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_engine_seals_and_screens_alike(service: Api, engine: str) -> None:
    payments = batch(5)
    answer = service.post(
        "/v1/screenings",
        json={"payments": payments, "cutoff": 0.7},
        headers={"X-Engine": engine},
    )
    body = answer.json()
    assert answer.headers["X-Engine"] == body["engine"] == engine
    assert body["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    assert body["results"] == screen(service, payments, cutoff=0.7).json()["results"]
    answer = service.get(f"/v1/screenings/{body['id']}/proofs/3", headers={"X-Engine": engine})
    proof = answer.json()
    assert answer.headers["X-Engine"] == engine
    assert is_proven(proof["record"].encode(), 3, 5, proof["proof"], body["root"])


@pytest.mark.parametrize("size", [1, 2, 7, 65])
def test_every_record_of_a_batch_is_proven(api: Api, size: int) -> None:
    payments = batch(size)
    created = screen(api, payments).json()
    for place, sent in enumerate(payments):
        answer = api.get(f"/v1/screenings/{created['id']}/proofs/{place}")
        assert answer.status_code == 200
        body = answer.json()
        assert body.keys() == {"place", "size", "root", "record", "proof"}
        assert (body["place"], body["size"], body["root"]) == (place, size, created["root"])
        assert body["record"].encode() == canonical(sent)
        assert is_proven(canonical(sent), place, size, body["proof"], created["root"])
        assert not is_proven(canonical(sent) + b" ", place, size, body["proof"], created["root"])


def test_records_of_a_large_batch_are_proven(api: Api) -> None:
    payments = batch(1000)
    created = screen(api, payments).json()
    for place in (0, 1, 499, 511, 512, 998, 999):
        body = api.get(f"/v1/screenings/{created['id']}/proofs/{place}").json()
        assert is_proven(canonical(payments[place]), place, 1000, body["proof"], created["root"])


def test_a_record_is_the_payment_as_canonical_json(api: Api) -> None:
    strange = '\0 q" b\\ /\b\t\n\f\r\x01\x1f\x7f\x80 é ü e\u0301 \u2028\u2029 \ufeff 🦊 \U0010ffff'
    payments = [payment(debtor_name=strange, amount="1.5", end_to_end_id="\n"), payment()]
    created = screen(api, payments).json()
    assert created["root"] == tree_hash([canonical(sent) for sent in payments]).hex()
    first = api.get(f"/v1/screenings/{created['id']}/proofs/0").json()
    assert first["record"].encode() == canonical(payments[0])


@pytest.mark.parametrize("place", ["2", "-1", "1000", "9" * 30])
def test_a_proof_out_of_the_batch_is_not_found(api: Api, place: str) -> None:
    created = screen(api, batch(2)).json()
    problem(api.get(f"/v1/screenings/{created['id']}/proofs/{place}"), "not_found")


def test_what_is_no_place_or_no_id_is_refused(api: Api) -> None:
    created = screen(api, batch(1)).json()
    problem(api.get(f"/v1/screenings/{created['id']}/proofs/x"), "invalid_argument", "place")
    problem(api.get("/v1/screenings/x/proofs/0"), "invalid_argument", "id")
    problem(api.get("/v1/screenings/x/proofs/y"), "invalid_argument", "id", "place")
    problem(api.get("/v1/screenings/x"), "invalid_argument", "id")
    problem(api.get(f"/v1/screenings/{UNKNOWN_ID}"), "not_found")
    problem(api.get(f"/v1/screenings/{UNKNOWN_ID}/proofs/0"), "not_found")


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
def test_bad_input_is_a_problem_and_nothing_is_stored(api: Api, body, field) -> None:
    count = "SELECT count(*) FROM screenings"
    before = api.database.rows(count)
    problem(api.post("/v1/screenings", json=body), "invalid_argument", field)
    assert api.database.rows(count) == before


def test_screenings_are_listed_without_results_the_newest_first(api: Api) -> None:
    wanted = [screen(api, batch(n)).json() for n in (1, 2, 3)][::-1]
    for document in wanted:
        del document["results"]
    page = api.get("/v1/screenings?limit=2").json()
    assert page == {"screenings": wanted[:2], "next": wanted[1]["id"]}
    screen(api, batch(1))
    page = api.get("/v1/screenings", params={"limit": 1, "after": page["next"]}).json()
    assert page["screenings"] == wanted[2:]
    problem(api.get("/v1/screenings?limit=0"), "invalid_argument", "limit")
    problem(api.get("/v1/screenings?after=x"), "invalid_argument", "after")


def test_a_key_makes_a_screening_happen_once(api: Api) -> None:
    body, key = {"payments": batch(3)}, new_id("key")
    headers = {"Idempotency-Key": key}
    first = api.post("/v1/screenings", json=body, headers=headers)
    again = api.post("/v1/screenings", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = api.post("/v1/screenings", json={"payments": batch(2)}, headers=headers)
    problem(other, "idempotency_key_reused")
    # A key is one of its path: a payment may have the same.
    paid = api.pay(payment(), key)
    assert paid.status_code == 201
    assert "Idempotency-Replayed" not in paid.headers


# engine: go
def test_what_one_server_wrote_the_other_reads_and_proves(pair: tuple[Api, Api]) -> None:
    for one, other in (pair, pair[::-1]):
        payments = batch(7)
        answer = screen(one, payments, cutoff=0.7)
        created = answer.json()
        assert other.get(answer.headers["Location"]).content == answer.content
        del created["results"]
        assert other.get("/v1/screenings?limit=1").json()["screenings"] == [created]
        for place, sent in enumerate(payments):
            body = other.get(f"/v1/screenings/{created['id']}/proofs/{place}").json()
            assert body.pop("record").encode() == canonical(sent)
            assert is_proven(canonical(sent), place, 7, body.pop("proof"), created["root"])
            assert body == {"place": place, "size": 7, "root": created["root"]}


# engine: end
# engine: go
def test_both_servers_store_the_same(pair: tuple[Api, Api]) -> None:
    payments = [payment(), *batch(6)]  # which no other test stores
    both = [screen(api, payments, cutoff=0.7, limit=3).json() for api in pair]
    assert both[0]["root"] == both[1]["root"] == tree_hash(list(map(canonical, payments))).hex()
    assert both[0]["results"] == both[1]["results"]
    rows = pair[0].database.rows(
        "SELECT records, size, cutoff, hits_per_name, watchlist FROM screenings WHERE root = ?",
        bytes.fromhex(both[0]["root"]),
    )
    assert len(rows) == 2
    assert rows[0] == rows[1]
    assert bytes(rows[0][0]) == b"\n".join(map(canonical, payments))
    assert rows[0][1:4] == (7, 0.7, 3)


# engine: end
def post_keyed(api: Api, payments: list[dict], key: str) -> httpx2.Response:
    return api.post("/v1/screenings", json={"payments": payments}, headers={"Idempotency-Key": key})


def count(api: Api, payments: list[dict]) -> int:
    """How many screenings of the batch are stored."""
    root = tree_hash([canonical(sent) for sent in payments])
    ((found,),) = api.database.rows("SELECT count(*) FROM screenings WHERE root = ?", root)
    return found


# engine: go
def test_a_key_is_one_for_both_servers(pair: tuple[Api, Api]) -> None:
    for one, other in (pair, pair[::-1]):
        payments, key = [payment()], new_id("key")
        first, again = post_keyed(one, payments, key), post_keyed(other, payments, key)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (again.content, again.headers["Location"]) == (
            first.content,
            first.headers["Location"],
        )
        problem(post_keyed(other, [payment()], key), "idempotency_key_reused")
        assert count(one, payments) == 1


# engine: end
def test_a_screening_that_is_being_carried_out_is_a_conflict(stateless: Api) -> None:
    payments, key = [payment()], new_id("key")
    with ThreadPoolExecutor(2) as pool:
        with stateless.database.writers_waiting("payments"):
            running = [pool.submit(post_keyed, stateless, payments, key) for _ in range(2)]
            done, waiting = wait(running, 8, FIRST_COMPLETED)
            assert len(done) == 1, "both wait for the database"
            problem(done.pop().result(), "idempotency_conflict")
        first = waiting.pop().result()
    assert first.status_code == 201
    assert post_keyed(stateless, payments, key).content == first.content
    assert count(stateless, payments) == 1


def test_ten_at_once_do_it_once(api: Api) -> None:
    payments, key = [payment() for _ in range(200)], new_id("key")
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post_keyed(api, payments, key), range(10)))
    (first,) = [
        answer
        for answer in answers
        if answer.status_code == 201 and "Idempotency-Replayed" not in answer.headers
    ]
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, "idempotency_conflict")
        else:
            assert answer.content == first.content
    assert count(api, payments) == 1


def test_a_refused_body_leaves_the_key_unused(api: Api) -> None:
    sent, key = payment(), new_id("key")
    problem(post_keyed(api, [sent | {"x": "1"}], key), "invalid_argument", "payments[0].x")
    answer = post_keyed(api, [sent], key)
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    # And it is refused before the key is looked at.
    problem(post_keyed(api, [], key), "invalid_argument", "payments")
    problem(post_keyed(api, [sent], "a b"), "invalid_argument", "Idempotency-Key")


def test_a_locked_database_is_unavailable_and_keeps_nothing(bare: Api) -> None:
    payments, key = [payment()], new_id("key")
    with bare.database.writers_waiting("payments"):
        problem(post_keyed(bare, payments, key), "database_unavailable")
        problem(bare.post("/v1/screenings", json={"payments": payments}), "database_unavailable")
        assert bare.get("/v1/screenings").status_code == 200
    assert count(bare, payments) == 0
    assert "Idempotency-Replayed" not in post_keyed(bare, payments, key).headers
    assert count(bare, payments) == 1


def test_the_tree_hash_of_this_test_is_the_one_of_the_rfc() -> None:
    leaf = [hashlib.sha256(b"\0" + bytes([n])).digest() for n in range(3)]
    pair = hashlib.sha256(b"\1" + leaf[0] + leaf[1]).digest()
    root = hashlib.sha256(b"\1" + pair + leaf[2]).digest()
    assert tree_hash([bytes([n]) for n in range(3)]) == root
    assert is_proven(b"\2", 2, 3, [pair.hex()], root.hex())
    assert not is_proven(b"\2", 1, 3, [pair.hex()], root.hex())
