"""/v1/rates against the stub with all its faults, and how upstreams are configured."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import ServiceError
from service.startup import settings_from
from service.wiring import DOMAIN
from tests.command_line import hotpath
from tests.contract.conftest import Api
from tests.contract.samples import problem
from tests.contract.upstreams import ScriptedUpstreams, answer
from tests.databases import Sqlite
from tests.servers import free_port

FAULTS = {
    "status": "status",
    "redirect": "status",
    "reset": "unreachable",
    "close": "unreachable",
    "hang": "timeout",
    "endless": "too_large",
    "trickle": "timeout",
    "huge": "too_large",
    "html": "invalid",
    "encoded": "invalid",
    "wrong_base": "invalid",
    "not_json": "invalid",
    "nan": "invalid",
}


# engine: go
def test_every_fault_of_the_stub_has_its_reason(start, stub: str, tmp_path: Path) -> None:
    refused = f"127.0.0.1:{free_port()}"
    urls = {fault: f"http://{stub}/faults/{fault}" for fault in FAULTS}
    urls = {"zeta": f"http://{stub}/rates/zeta"} | urls | {"alpha": f"http://{stub}/rates/alpha"}
    urls["refused"] = f"http://{refused}/"
    with start(
        Sqlite(tmp_path / "db"),
        upstreams=",".join(f"{name}={url}" for name, url in urls.items()),
        upstream_hosts=f"{stub},{refused}",
        upstream_timeout_s="3",
    ) as api:
        for _ in range(2):  # the second time over the connections that are left
            got = api.get("/v1/rates", params={"base": "USD"})  # the stub hangs for ever
            assert got.status_code == 200
            body = got.json()
            assert (body["base"], body["complete"]) == ("USD", False)
            assert body["rates"].keys() == {"zeta", "alpha"}
            assert all(rates for rates in body["rates"].values())
            expected = FAULTS | {"refused": "unreachable"}
            assert [tuple(missing.values()) for missing in body["missing"]] == list(
                expected.items()
            )
        assert api.get("/health/ready").status_code == 200


# engine: end
SIGNED = {  # path and query as given, and as sent
    "a": ("/x?sig=a%2Fb%2b%3D", "/x?sig=a%2Fb%2b%3D&base=EUR"),
    "b": ("/x?a;b=1;2+3%20%2F", "/x?a;b=1;2+3%20%2F&base=EUR"),
    "c": ("/p%2Fq%2fr/%7E~%41?b=2&a=1&a=0", "/p%2Fq%2fr/%7E~%41?b=2&a=1&a=0&base=EUR"),
    "d": ("/a/../b/./c//d?x=%c3%A9", "/a/../b/./c//d?x=%c3%A9&base=EUR"),
    "e": ("/!$'()*+;=:@[]|^`{}\\\"<>?!$'()*+;:@[]|^`{}\\\"<>/?", None),
    "f": ("/x?base=USD&base=", "/x?base=USD&base=&base=EUR"),
    "g": ("?sig=%2f", "/?sig=%2f&base=EUR"),
    "h": ("", "/?base=EUR"),
    "i": ("/x?", "/x?base=EUR"),
    "j": ("/x?a&", "/x?a&base=EUR"),
    "k": ("//x%2F?a=%00", "//x%2F?a=%00&base=EUR"),
    "l": ("/%E2%82%AC/%2e%2E/?z", "/%E2%82%AC/%2e%2E/?z&base=EUR"),
}


def test_the_address_of_an_upstream_is_sent_byte_for_byte(start, tmp_path: Path) -> None:
    """A signature is of its bytes; what is asked for comes behind them."""
    expected = {name: sent or f"{given}&base=EUR" for name, (given, sent) in SIGNED.items()}
    with ScriptedUpstreams() as scripted:
        good = answer({"base": "EUR", "rates": {}})
        scripted.answers = {
            sent.partition("?")[0].removeprefix("/"): good for sent in expected.values()
        }
        host = f"127.0.0.1:{scripted.port}"
        with start(
            Sqlite(tmp_path / "db"),
            upstreams=",".join(
                f"{name}=http://{host}{given}" for name, (given, _) in SIGNED.items()
            ),
            upstream_hosts=host,
            upstream_timeout_s="20",
        ) as api:
            got = api.get("/v1/rates").json()
            assert got["missing"] == []
            heads = [head.split("\n")[0] for found in scripted.requests.values() for head in found]
            assert sorted(heads) == sorted(f"GET {sent} HTTP/1.1" for sent in expected.values())


@pytest.mark.parametrize(
    "rest",
    [*("/x?a=%zz", "/%4", "/x#y", "/x y", "/é", "/x?é", ":0/", ":99999/", ":x/"), "\\@b.test/"],
)
def test_an_address_that_cannot_be_sent_as_it_is_is_refused(monkeypatch, rest: str) -> None:
    monkeypatch.setenv("HOTPATH_UPSTREAMS", f"ecb=http://rates.test{rest}")
    monkeypatch.setenv("HOTPATH_UPSTREAM_HOSTS", "rates.test,b.test")
    with pytest.raises(ServiceError, match=r"settings: upstreams\.ecb: expected http"):
        settings_from(DOMAIN)


def test_without_upstreams_there_are_no_rates_and_no_bench_routes(bare: Api) -> None:
    problem(bare.get("/v1/rates"), "not_configured")
    for path in ("plaintext", "json", "db", "queries", "updates", "fortunes"):
        problem(bare.get(f"/bench/{path}"), "not_found")
    # The bench's tables stay empty until they are asked for.
    assert bare.database.rows("SELECT name FROM sqlite_master WHERE name = 'world'") == []


@pytest.mark.parametrize(
    ("upstreams", "hosts"),
    [
        ("ecb=http://rates.test/x", ""),
        ("ecb=http://rates.test/x", "other.test"),
        ("ecb=http://rates.test:81/x", "rates.test:80"),
        ("ecb=http://rates.test/x,b=http://a.rates.test/", "rates.test"),
        ("ecb=http://rates.test@evil.test/x", "rates.test"),
        ("ECB=http://rates.test/x", "rates.test"),
        (f"{'a' * 33}=http://rates.test/x", "rates.test"),
        ("a=http://rates.test/,a=http://rates.test/", "rates.test"),
        ("a=file:///etc/passwd", "rates.test"),
        ("http://rates.test/x", "rates.test"),
    ],
)
def test_upstreams_that_are_not_allowed_are_refused(monkeypatch, upstreams, hosts) -> None:
    monkeypatch.setenv("HOTPATH_UPSTREAMS", upstreams)
    monkeypatch.setenv("HOTPATH_UPSTREAM_HOSTS", hosts)
    with pytest.raises(ServiceError, match=r"^settings: upstreams\b"):
        settings_from(DOMAIN)


@pytest.mark.parametrize(
    ("upstreams", "hosts"),
    [
        ("ecb=http://rates.test/x", "rates.test"),
        ("ecb=http://rates.test/x", "rates.test:80"),
        ("e-_9=https://rates.test/x", "a.test, rates.test:443"),
        ("ecb=http://rates.test:81/x,b=https://b.test/?a=b", "rates.test:81,b.test"),
    ],
)
def test_upstreams_that_are_allowed_are_taken(monkeypatch, upstreams, hosts) -> None:
    monkeypatch.setenv("HOTPATH_UPSTREAMS", upstreams)
    monkeypatch.setenv("HOTPATH_UPSTREAM_HOSTS", hosts)
    assert len(settings_from(DOMAIN).upstreams) == upstreams.count("http")


# engine: go
def test_the_gateway_does_not_start_with_upstreams_that_are_not_allowed(tmp_path: Path) -> None:
    done = hotpath(
        *("gateway", "--port", str(free_port())),
        expect=2,
        HOTPATH_UPSTREAMS="ecb=http://rates.test/x",
        HOTPATH_UPSTREAM_HOSTS="other.test",
        HOTPATH_DATABASE_URL=f"sqlite:///{tmp_path}/db",
    )
    assert b"error: settings: upstreams: expected 'ecb' at a host of" in done.stderr
    assert not (tmp_path / "db").exists()


# engine: end
