"""The generator as a process, against real servers: a quick one, and some that misbehave."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from loadtests.lab.resampling import Counted
from loadtests.lab.statistics import BUSY_GENERATOR
from tests.servers import COMMANDS, free_port, serving

HELLO = {"kind": "bytes", "status": 200, "engine": False, "expected": "Hello, World!"}


class Generator:
    def __init__(self, directory):
        self.directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loadtests.lab.generator"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.greeting = json.loads(self.process.stdout.readline())

    def pool(self, *checks, path="/bench/plaintext", method="GET", body=None):
        requests = [
            {"method": method, "path": path, "body": body, "check": check} for check in checks
        ]
        file = self.directory / f"pool{len(list(self.directory.iterdir()))}.json"
        file.write_text(json.dumps({"requests": requests}))
        return str(file)

    def send(self, port, *streams, pid=None, **settings):
        order = {
            "id": "the slice",
            "url": f"http://127.0.0.1:{port}",
            "pid": pid or os.getpid(),
            "headers": {},
            "seed": 1,
            "warmup_s": 0.1,
            "window_s": 0.4,
            "min_requests": 1,
            "max_s": 5.0,
            "streams": streams,
        }
        self.process.stdin.write(json.dumps(order | settings) + "\n")
        self.process.stdin.flush()

    def run(self, *arguments, **settings):
        self.send(*arguments, **settings)
        figures = json.loads(self.process.stdout.readline())
        assert figures["id"] == "the slice"
        return figures


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    found = Generator(tmp_path_factory.mktemp("pools"))
    yield found
    found.process.stdin.close()
    assert found.process.wait(60) == 0
    found.process.stdout.close()


@pytest.fixture(scope="module")
def null_server(tmp_path_factory):
    command = COMMANDS["service"]
    # engine: go
    command = COMMANDS["gateway"]  # where it is there, as the lab has it
    # engine: end
    log = tmp_path_factory.mktemp("null") / "log"
    with serving(log, command=command, bench_routes="true") as server:
        yield server


@contextmanager
def answering(answer):
    """answer: called with the handler and the number of its request, from 1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def handle_any(self):
            with lock:
                numbers.append(None)
                number = len(numbers)
            self.sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self, number)

        do_GET = do_POST = handle_any

        def reply(self, content=b"Hello, World!", **headers):
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    numbers, lock = [], threading.Lock()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error = lambda *_: None  # clients go away as they like
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def closed(pool, users=2, name="main"):
    return {"name": name, "pool": pool, "users": users}


def opened(pool, rate_rps, connections=8, arrivals="poisson", name="main"):
    return {
        "name": name,
        "pool": pool,
        "rate_rps": rate_rps,
        "arrivals": arrivals,
        "connections": connections,
    }


def p(pairs, q):
    """In seconds."""
    return Counted.of([pairs]).pooled([q])[0] / 1e6


def count(pairs):
    return sum(n for _, n in pairs)


def test_it_says_who_it_is(generator):
    import importlib.metadata

    assert generator.greeting == {"ready": True, "locust": importlib.metadata.version("locust")}


def test_closed_model(generator, null_server):
    figures = generator.run(
        null_server.port,
        closed(generator.pool(HELLO, HELLO), users=3),
        pid=null_server.process.pid,
        min_requests=101,
        max_s=60.0,
    )
    main = figures["streams"]["main"]
    assert figures["faults"] == []
    assert figures["window_s"] >= 0.4
    assert main["model"] == "closed"
    assert main["taken"] > main["completed"] > 100
    assert main["completed"] == count(main["latency"])
    assert main["latency"] == main["raw_latency"]
    assert (main["lag"], main["gave_up"], main["rate_rps"]) == ([], 0, None)
    assert main["max_in_flight"] <= 3
    assert 0 < figures["generator_cpu_s"] < figures["window_s"]
    assert 0 < figures["usage"]["server"]["cpu_s"] < 2 * figures["window_s"]
    assert figures["usage"]["server"]["processes"] == 1
    # Little's law: users / throughput is the mean latency, if none of it went missing. What was
    # under way at the window's ends, one request of each user, is the doubt.
    mean = np.average([1.01 ** (k + 0.5) / 1e6 for k, _ in main["latency"]],
                      weights=[n for _, n in main["latency"]])  # fmt: skip
    doubt = 3 * p(main["latency"], 1.0) / figures["window_s"]
    assert 0.5 - doubt < mean * main["completed"] / figures["window_s"] <= 3.05 + doubt


def test_constant_arrivals_are_as_many_as_the_rate_says(generator, null_server):
    pool = generator.pool(HELLO)
    figures = generator.run(null_server.port, opened(pool, 200.0, arrivals="constant"))
    main = figures["streams"]["main"]
    assert figures["faults"] == []
    assert figures["window_s"] == pytest.approx(0.4)
    assert main["completed"] in (80, 81)
    assert main["taken"] in (100, 101)
    assert main["gave_up"] == 0
    assert count(main["latency"]) == count(main["raw_latency"]) == count(main["lag"])


def test_the_same_seed_gives_the_same_arrivals(generator, null_server):
    stream = opened(generator.pool(HELLO), 500.0)

    def taken(seed):
        figures = generator.run(null_server.port, stream, seed=seed)
        assert figures["faults"] == []
        main = figures["streams"]["main"]
        return main["taken"], main["completed"]

    runs = [taken(1), taken(1), taken(2), taken(3)]
    assert runs[0] == runs[1]
    assert len(set(runs)) > 1


def test_lateness_stays_small_while_there_is_little_to_do(generator, null_server):
    stream = opened(generator.pool(HELLO), 200.0)

    def is_small():
        figures = generator.run(null_server.port, stream, window_s=0.5)
        assert figures["faults"] == []
        assert figures["generator_cpu_s"] < 0.5 * figures["window_s"]
        # What the system takes away from it is the machine's affair, and this what it adds itself.
        return p(figures["streams"]["main"]["lag"], 0.1) < 0.2e-3

    assert any(is_small() for _ in range(5))


def test_overload_of_the_generator_shows(generator):
    """Each answer costs it 5 ms of work and one comes each millisecond."""
    check = HELLO | {"kind": "tests.lab.fake_judge:laborious", "expected": 0.005}

    def always_another(handler, number):  # else it would be known as right, and not be judged
        handler.reply(str(number).encode())

    def shows():
        with answering(always_another) as port:
            figures = generator.run(
                port,
                opened(generator.pool(check), 1000.0, connections=32),
                window_s=0.3,
                max_s=60.0,
            )
        assert figures["faults"] == []
        main = figures["streams"]["main"]
        late = p(main["lag"], 0.99) > 0.1 * p(main["latency"], 0.99)
        used = figures["generator_cpu_s"] + (figures["generator_waited_s"] or 0)
        return late or used > BUSY_GENERATOR * figures["window_s"]

    # What a neighbour takes from a virtual core, or from the server, can hide it in a block.
    assert any(shows() for _ in range(5))


def test_latency_counts_from_the_intended_start(generator):
    one_at_a_time = threading.Lock()

    def slow(handler, number):
        with one_at_a_time:
            time.sleep(0.05)
        handler.reply()

    with answering(slow) as port:
        figures = generator.run(
            port,
            opened(generator.pool(HELLO), 40.0, connections=1, arrivals="constant"),
            warmup_s=0.0,
            window_s=0.5,
        )
    main = figures["streams"]["main"]
    assert figures["faults"] == []
    assert main["completed"] in (20, 21)
    assert main["max_in_flight"] == 1
    # Each takes 50 ms at least and one comes every 25 ms: the last one waits for half of them all.
    assert p(main["latency"], 1.0) > 0.45
    assert p(main["raw_latency"], 0.5) < 0.5 * p(main["latency"], 1.0)
    # The waiting is not the generator's fault.
    assert p(main["lag"], 0.5) < 0.5 * p(main["latency"], 0.5)


def test_window_is_prolonged_for_enough_requests(generator, null_server):
    figures = generator.run(
        null_server.port,
        opened(generator.pool(HELLO), 20.0, arrivals="constant"),
        window_s=0.1,
        min_requests=10,
    )
    assert figures["streams"]["main"]["completed"] >= 10
    assert 0.4 < figures["window_s"] < 5.0  # as soon as there are enough, not at its bound


def test_streams_share_a_window(generator, null_server):
    pool = generator.pool(HELLO)
    figures = generator.run(
        null_server.port,
        closed(pool, name="hot"),
        opened(pool, 100.0, arrivals="constant", name="io"),
    )
    assert figures["faults"] == []
    assert figures["streams"]["io"]["completed"] in (40, 41)
    assert figures["streams"]["hot"]["completed"] > 0
    assert figures["window_s"] == pytest.approx(0.4)


@pytest.mark.parametrize("model", ["closed", "open"])
def test_a_wrong_answer_ends_the_slice_at_once(generator, model):
    def sometimes_wrong(handler, number):
        handler.reply(b"Hello, World!" if number < 20 else b"Hello, Wurld!")

    pool = generator.pool(HELLO)
    with answering(sometimes_wrong) as port:
        stream = closed(pool) if model == "closed" else opened(pool, 200.0)
        started = time.monotonic()
        figures = generator.run(port, stream, window_s=60.0, max_s=60.0)
    assert time.monotonic() - started < 20
    assert figures["faults"][0] == "body: expected 'Hello, World!', got b'Hello, Wurld!'"


def test_headers_are_checked_on_every_answer(generator):
    def engine_changes(handler, number):
        handler.reply(X_Engine="rust" if number < 20 else "rusty")

    pool = generator.pool(HELLO | {"engine": True})
    with answering(engine_changes) as port:
        figures = generator.run(port, closed(pool), headers={"X-Engine": "rust"})
    assert figures["faults"][0] == "X-Engine: expected rust, got rusty"
    assert figures["streams"]["main"]["taken"] >= 20


def test_status_is_checked_on_every_answer(generator):
    def fails(handler, number):
        if number < 20:
            handler.reply()
        else:
            handler.send_error(503)

    with answering(fails) as port:
        figures = generator.run(port, closed(generator.pool(HELLO)))
    assert figures["faults"][0].startswith("status: expected 200, got 503")


@pytest.mark.parametrize("model", ["closed", "open"])
def test_no_server_is_a_fault(generator, model):
    pool = generator.pool(HELLO)
    stream = closed(pool) if model == "closed" else opened(pool, 100.0)
    figures = generator.run(free_port(), stream)
    assert "Connection refused" in figures["faults"][0]


@pytest.mark.parametrize("model", ["closed", "open"])
def test_a_connection_that_breaks_is_a_fault(generator, model):
    def hangs_up(handler, number):
        if number < 20:
            handler.reply()
        handler.close_connection = number >= 20

    pool = generator.pool(HELLO)
    with answering(hangs_up) as port:
        stream = closed(pool) if model == "closed" else opened(pool, 200.0)
        figures = generator.run(port, stream, window_s=30.0, max_s=30.0)
    assert figures["faults"][0].startswith("no answer: ")


@pytest.mark.parametrize("model", ["closed", "open"])
def test_answers_that_never_come_are_a_fault(generator, model):
    released = threading.Event()

    def stalls(handler, number):
        if number > 10:
            released.wait(20)
        handler.reply()

    pool = generator.pool(HELLO)
    with answering(stalls) as port:
        stream = closed(pool) if model == "closed" else opened(pool, 100.0, connections=4)
        figures = generator.run(port, stream, max_s=0.5)
        released.set()
    assert "requests had no answer" in figures["faults"][0]
    if model == "open":
        assert figures["streams"]["main"]["gave_up"] > 10


@pytest.mark.parametrize("model", ["closed", "open"])
def test_connections_that_the_server_closes_are_opened_anew(generator, model):
    def closes(handler, number):
        handler.reply()
        handler.close_connection = True  # without saying so

    pool = generator.pool(HELLO)
    with answering(closes) as port:
        # In the closed model it must be said: else the next request crosses the close.
        if model == "open":
            stream = opened(pool, 30.0, arrivals="constant")
            figures = generator.run(port, stream)
    if model == "closed":
        with answering(lambda handler, _: handler.reply(Connection="close")) as port:
            figures = generator.run(port, closed(pool))
    assert figures["faults"] == []
    assert figures["streams"]["main"]["completed"] > 10


def test_large_requests_do_not_hold_up_the_others(generator):
    body = "x" * 8_000_000

    def reads_slowly(handler, number):
        handler.reply(str(len(handler.sent)).encode())

    large = generator.pool(
        HELLO | {"expected": str(len(body))}, path="/large", method="POST", body=body
    )
    with answering(reads_slowly) as port:
        figures = generator.run(
            port, opened(large, 10.0, arrivals="constant", connections=4), min_requests=3
        )
    assert figures["faults"] == []
    assert figures["streams"]["main"]["completed"] >= 3


def test_it_runs_first_in_the_open_model_where_it_may(generator, null_server):
    pool = generator.pool(HELLO)

    def seen(stream):
        generator.send(null_server.port, stream)
        policies = set()
        while not select.select([generator.process.stdout], [], [], 0.01)[0]:
            policies.add(os.sched_getscheduler(generator.process.pid))
        figures = json.loads(generator.process.stdout.readline())
        return figures["generator_real_time"], os.SCHED_RR in policies

    said, was = seen(opened(pool, 100.0))
    assert said == was
    assert seen(closed(pool)) == (False, False)


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_when_its_input_does(tmp_path, busy):
    generator = Generator(tmp_path)
    with answering(lambda handler, _: handler.reply()) as port:
        if busy:
            generator.send(port, closed(generator.pool(HELLO)), window_s=60.0, max_s=60.0)
            time.sleep(0.5)
        generator.process.stdin.close()
        assert generator.process.wait(60) == 0
    generator.process.stdout.close()


def test_a_failure_is_in_locust_s_own_statistics(generator, null_server, tmp_path):
    program = tmp_path / "listen.py"
    program.write_text(
        "import json, sys\n"
        "from loadtests.lab.load import Generator\n"
        "from loadtests.lab.slices import Order\n"
        "generator = Generator()\n"
        "figures = generator.run(Order.read(json.load(sys.stdin)))\n"
        "stats = generator._environment.stats.total\n"
        "print(json.dumps([figures['faults'], stats.num_requests, stats.num_failures]))\n"
    )
    pool = generator.pool({**HELLO, "expected": "Goodbye"})
    order = {
        "id": "1", "url": f"http://127.0.0.1:{null_server.port}", "pid": os.getpid(),
        "headers": {}, "seed": 1, "warmup_s": 0.1, "window_s": 0.3, "min_requests": 1,
        "max_s": 5.0, "streams": [closed(pool)],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, program], input=json.dumps(order), capture_output=True, text=True,
        check=True, env=os.environ | {"PYTHONPATH": "."},
    )  # fmt: skip
    faults, requests, failures = json.loads(done.stdout)
    assert "Goodbye" in faults[0]
    assert requests == failures == len(faults)
