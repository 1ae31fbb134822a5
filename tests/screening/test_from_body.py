"""What an engine answers from the body alone is what the models and the portable code answer,
byte for byte, and what is wrong is worded by them."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.app import create_app
from service.offload.auto import INLINE_S
from service.offload.job import FromBody
from service.offload.spec import EngineSpec
from service.screening import DOMAIN
from service.screening.engines import ENGINES
from service.screening.payment import EXAMPLE, Payment
from service.screening.settings import ScreeningSettings
from service.screening.synthetic import write_synthetic
from service.screening.watchlist import WATCHLIST, Watchlist

JOBS = [job for job in map(resolve_name, DOMAIN.jobs) if isinstance(job, FromBody)]
ABLE = [spec for spec in ENGINES if any(hasattr(spec.load(), job.kernel) for job in JOBS)]

Post = Callable[..., Any]

varied = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", params=ABLE, ids=lambda spec: spec.name)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, TestClient, list[str]]]:
    """The service on the engine, and on one that answers no bodies; and the kernels that the
    first one called."""
    directory = tmp_path_factory.mktemp("from-body")
    write_synthetic(directory, 500, 7)
    called: list[str] = []
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        module = request.param.load()
        for job in JOBS:
            if hasattr(module, job.kernel):
                patch.setattr(module, job.kernel, noting(getattr(module, job.kernel), called))
        clients = [
            stack.enter_context(TestClient(create_app(chosen, DOMAIN)))
            for chosen in (
                configured(directory, request.param.name),
                configured(directory, "python"),
            )
        ]
        yield clients[0], clients[1], called


def configured(directory: Path, engine: str) -> ScreeningSettings:
    return ScreeningSettings(
        engine=engine,
        offload="inline",
        watchlist=directory,
        database_url=f"sqlite:///{directory}/{engine}.db",
    )


def noting(kernel: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    def noted(*arguments: Any) -> Any:
        answer = kernel(*arguments)
        if answer is not None:
            called.append(kernel.__name__)
        return answer

    return noted


def same(both: tuple[TestClient, TestClient, list[str]], path: str, body: bytes) -> int:
    """Returns: the status."""
    headers = {"Content-Type": "application/json", "X-Request-Id": "one"}
    answers = [client.post(path, content=body, headers=headers) for client in both[:2]]
    first, second = ((answer.status_code, answer.content) for answer in answers)
    assert first == second
    return first[0]


TEXT = st.one_of(
    st.text(max_size=12),
    st.text("abcdefghijklmnopqrstuvwxyz .,'-/", max_size=30),
    st.sampled_from(["S.A.", "a b c", "\u00ad", "\ufdfa" * 29, "x" * 512, "x" * 513, "\U0001f600"]),
)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 1200), st.floats(), st.text(max_size=3), st.just([])
)


def documents(members: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[bytes]:
    """JSON that is mostly right: now and then a member too much or too few, or another value, or
    a text that is no JSON, and written in one way or another."""
    right = st.fixed_dictionaries(members)
    wrong = st.builds(
        lambda whole, name, value, drop: {
            key: inner for key, inner in {**whole, name: value}.items() if key != drop
        },
        right,
        st.sampled_from([*members, "other"]),
        PLAIN,
        st.sampled_from([*members, "nothing"]),
    )
    texts = st.builds(
        lambda document, is_ascii, indent: json.dumps(
            document, ensure_ascii=is_ascii, indent=indent
        ).encode("utf-8", "surrogatepass"),
        st.one_of(right, right, wrong),
        st.booleans(),
        st.sampled_from([None, 1]),
    )
    broken = st.builds(
        lambda text, at, insert: (
            text[: at % (len(text) + 1)] + insert + text[at % (len(text) + 1) :]
        ),
        texts,
        st.integers(0, 10_000),
        st.sampled_from(
            [b"\0", b"}", b",", b" ", b"\xff", b'"', b"1", b"\\", b"NaN", b"\xef\xbb\xbf"]
        ),
    )
    return st.one_of(texts, texts, texts, broken)


MATCHES = documents(
    {
        "names": st.lists(TEXT, max_size=5),
        "cutoff": st.one_of(st.floats(0, 1), st.sampled_from([0, 1, 0.9, 0.5])),
        "limit": st.integers(0, 1001),
    }
)
RECORDS = st.lists(
    st.one_of(
        st.binary(max_size=80).map(lambda record: base64.b64encode(record).decode()),
        st.sampled_from(["", "AA==", "AB==", "AA=", "A===", "AAAA\n", "A A=", "_-_-", "AAAAA"]),
    ),
    max_size=9,
)
SEALS = documents({"records": RECORDS, "prove": st.lists(st.integers(-1, 9), max_size=4)})
PAYMENTS = documents(
    {
        "payments": st.lists(
            st.one_of(
                st.just(EXAMPLE),
                st.fixed_dictionaries(
                    {
                        name: st.one_of(
                            st.just(EXAMPLE[name]), TEXT, st.text(min_size=125, max_size=130)
                        )
                        for name in Payment.model_fields
                    }
                ),
                st.just({**EXAMPLE, "more": ""}),
                st.just(list(EXAMPLE.values())),
            ),
            max_size=4,
        )
    }
)


def test_some_engine_can() -> None:
    assert JOBS
    # engine: rust
    assert ABLE
    # engine: end


@varied
@given(MATCHES)
@example(b'{"names":["a"],"names":["b"]}')
@example(b'{"names":["a"],"cutoff":1e-400}')
@example(b'{"names":["a"],"cutoff":-0.0,"limit":1000}')
@example(b'[["a"],0.9,5]')
def test_matches(both, body: bytes) -> None:
    same(both, "/v1/matches", body)


@varied
@given(SEALS)
@example(b'{"records":["aGk\\u003d"],"prove":[0,0]}')
@example(b'{"records":["aGk="],"prove":[-0]}')
@example(b'{"records":["aGk="],"prove":[0.0]}')
@example(b'{"records":["aGk="],"prove":[99999999999999999999]}')
def test_seals(both, body: bytes) -> None:
    same(both, "/v1/seals", body)


@varied
@given(PAYMENTS)
def test_validations(both, body: bytes) -> None:
    same(both, "/v1/validations", body)


@pytest.mark.parametrize("spec", ABLE, ids=lambda spec: spec.name)
@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kernel)
def test_a_body_that_takes_long_to_read_is_not_begun(spec: EngineSpec, job: FromBody) -> None:
    """Nor would its kernel have anything to do: the list is empty, and the text is no JSON."""
    answer = getattr(spec.load(), job.kernel)
    arguments = job.arguments({WATCHLIST: Watchlist((), "empty")})
    broken = b"[" * (1 << 20)
    seconds = answer(broken, INLINE_S, *arguments)
    assert isinstance(seconds, float)
    assert seconds > INLINE_S
    assert answer(broken, math.inf, *arguments) is None


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.kernel)
def test_what_is_plain_is_answered_by_the_engine(both, job: FromBody) -> None:
    path = {"match": "/v1/matches", "validate": "/v1/validations", "seal": "/v1/seals"}[job.name]
    both[2].clear()
    assert same(both, path, job.rehearsal) == 200
    assert both[2] == [job.kernel]
