"""Load on the service or the gateway, for Locust as you know it:

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000
    locust -f loadtests/locustfile.py --tags json db --headless -u 8 -t 30s --host ...

Every scenario has a tag. Those that need nothing but the service run by default; the others have
the tag `optional` as well: `json`, `db` and `queries` need HOTPATH_BENCH_ROUTES=true.

Users send requests back to back: a closed model, in which each waits for its answer and
a slow server is sent less. For latency at a given rate, and to compare variants, use
`hotpath lab run`. Every answer is checked; a wrong one is a failure.

The domain's users are those of its own locustfile.py.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import gevent
import locust.stats
from locust import events, tag, task

from loadtests.checked import CheckedUser
from loadtests.lab.bench_routes import DB, JSON, ROWS

OPTIONAL = "optional"


# Locust keeps response times to two digits, and to 1 ms below 100 ms: too coarse to tell
# fast servers apart. Three digits are kept instead, in at most 900 buckets per power of ten.
def three_digits(response_time: float) -> float:
    return float(f"{response_time:.3g}")


# The documented hook is typed for whole numbers; any number serves as a key.
locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust types none of its events
def choose_tags(environment: Any, **_: Any) -> None:
    options = environment.parsed_options
    if options is not None and not options.tags and not options.exclude_tags:
        options.exclude_tags = [OPTIONAL]


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust types none of its events
def set_the_clock(**_: Any) -> None:
    """The event loop's clock stood still while modules were imported, and Locust's
    --run-time would be shorter by as much."""
    gevent.get_hub().loop.update_now()


class BenchUser(CheckedUser):
    abstract = True

    @tag("json", OPTIONAL)
    @task
    def bench_json(self) -> None:
        self.call(JSON)

    @tag("db", OPTIONAL)
    @task
    def bench_db(self) -> None:
        self.call(DB)

    @tag("queries", OPTIONAL)
    @task
    def bench_queries(self) -> None:
        self.call(ROWS)


def domain_users() -> Iterator[type[CheckedUser]]:
    """Of files, not of packages: those need what the service needs, and Locust's image has not."""
    for path in sorted((Path(__file__).parents[1] / "service").glob("*/locustfile.py")):
        spec = spec_from_file_location(f"{path.parent.name}_locustfile", path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[spec.name] = module_from_spec(spec)
        spec.loader.exec_module(module)
        types = [found for found in vars(module).values() if isinstance(found, type)]
        for found in types:
            if found.__module__ == spec.name and issubclass(found, CheckedUser):
                yield found


class ServiceUser(*domain_users(), BenchUser):  # type: ignore[misc]  # known once they are found
    pass
