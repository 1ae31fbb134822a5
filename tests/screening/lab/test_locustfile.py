"""The locustfile as people use it: headless, by tag, in several processes, with the web UI."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from service.screening.synthetic import write_synthetic
from tests.servers import BIN, COMMANDS, free_port, serving, upstream, wait_until

ROOT = Path(__file__).parents[3]
NAMES = {
    "matches": {"/v1/matches"},
    "validations": {"/v1/validations"},
    "seals": {"/v1/seals"},
    "screenings": {"/v1/screenings"},
    "payments": {"/v1/payments", "/v1/payments/[id]"},
    "json": {"/bench/json"},
    "db": {"/bench/db"},
    "queries": {"/bench/queries"},
    "rates": {"/v1/rates"},
    "mixed": {"/v1/matches", "/v1/payments", "/v1/payments/[id]"},
}
DEFAULT = ("matches", "validations", "seals", "screenings", "payments")


def locust(*arguments, code=0, directory=ROOT):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")}
    done = subprocess.run(
        [BIN / "locust", "-f", "loadtests/locustfile.py", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def load(host, *arguments, code=0, seconds=1, **options):
    """Locust's statistics, by name."""
    done = locust(
        *("--headless", "--json", "-u", "3", "-r", "3", "-t", f"{seconds}s", "--host", host),
        *arguments,
        code=code,
        **options,
    )
    # Each worker prints an empty list before the master prints what it gathered.
    entries = json.loads(done.stdout[done.stdout.index("[\n    {") :])
    return {entry["name"]: entry for entry in entries}, done


def loaded(host, *arguments, names):
    """As load, for as long as a task drawn by chance may be missing: of ten, one is after 400
    with a probability below 1e-17."""
    found, requests = {}, 0
    while not found.keys() >= names and requests < 400:
        more, _ = load(host, *arguments)
        requests += sum(entry["num_requests"] for entry in more.values())
        assert [name for name, entry in more.items() if entry["num_failures"]] == []
        found |= more
    return found


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    directory = tmp_path_factory.mktemp("servers")
    write_synthetic(directory, 2000, 7)
    with upstream(directory / "upstream.log") as source:
        settings = {
            "watchlist": str(directory),
            "bench_routes": "true",
            "upstreams": f"ecb=http://{source}/rates/ecb,fed=http://{source}/rates/fed",
            "upstream_hosts": source,
        }
        with (
            serving(directory / "service.log", **settings) as service,
            serving(
                directory / "gateway.log",
                command=COMMANDS["gateway"],
                database_url=f"sqlite:///{directory / 'gateway.db'}",
                **settings,
            ) as gateway,
        ):
            yield {
                name: f"http://127.0.0.1:{server.port}"
                for name, server in (("service", service), ("gateway", gateway))
            }


@pytest.mark.parametrize("server", ["service", "gateway"])
def test_every_scenario_gets_right_answers(hosts, server):
    names = set().union(*NAMES.values())
    found = loaded(hosts[server], "--tags", *NAMES, names=names)
    assert found.keys() == names
    assert all(entry["num_requests"] > 0 for entry in found.values())


@pytest.mark.parametrize("tag", NAMES)
def test_a_tag_chooses_its_scenario(hosts, tag):
    assert loaded(hosts["service"], "--tags", tag, names=NAMES[tag]).keys() == NAMES[tag]


def test_without_tags_all_that_needs_no_setting_runs(hosts):
    names = set().union(*(NAMES[tag] for tag in DEFAULT))
    assert loaded(hosts["service"], names=names).keys() == names


def test_it_works_in_several_processes(hosts):
    port = str(free_port())
    found, done = load(
        hosts["gateway"],
        *("--processes", "2", "--tags", "json"),
        *("--master-bind-port", port, "--master-port", port),
    )
    assert "2 workers connected" in done.stderr
    assert found["/bench/json"]["num_requests"] > 0
    assert found["/bench/json"]["num_failures"] == 0


def test_the_configuration_is_read(hosts):
    done = subprocess.run(
        [BIN / "locust", "--config", "loadtests/locust.conf", "--headless", "-t", "1s",
         "--tags", "json", "--host", hosts["gateway"], "--only-summary"],
        cwd=ROOT, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 'All users spawned: {"ServiceUser": 8}' in done.stderr


def test_it_works_with_the_web_ui(hosts, tmp_path):
    port = free_port()
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [BIN / "locust", "-f", "loadtests/locustfile.py", "--web-host", "127.0.0.1",
             "--web-port", str(port), "--host", hosts["service"]],
            cwd=ROOT, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

            def is_up():
                try:
                    return "Locust" in client.get("/").text
                except httpx2.TransportError:
                    return False

            def stats():
                return client.get("/stats/requests").json()

            wait_until(is_up, "the web UI", log)
            begun = client.post("/swarm", data={"user_count": "2", "spawn_rate": "2"}).json()
            assert begun["success"], begun

            # Which task comes first is chance; that one comes is not.
            wait_until(lambda: len(stats()["stats"]) > 1, "a request beside the total", log)
            shown = stats()
            names = {entry["name"] for entry in shown["stats"]} - {"Aggregated"}
            assert names <= set().union(*(NAMES[tag] for tag in DEFAULT))
            client.get("/stop")
        assert shown["fail_ratio"] == 0
    finally:
        process.terminate()
        assert process.wait(60) == 0


WRONG = {
    "matches": {"results": [{"name": "somebody else", "hits": []}]},
    "validations": {"results": [{"violations": ["amount"]}]},
    "seals": {"root": "00" * 32},
    "screenings": {"root": "00" * 32, "results": []},
    "payments": {"id": "1", "created_at": "now", "amount": "0"},
    "json": {"message": "Goodbye"},
    "db": {"id": 0, "randomNumber": 1},
    "queries": [{"id": 1, "randomNumber": 1}],
    "rates": {"base": "EUR", "complete": False, "rates": {"ecb": {}}, "missing": ["fed"]},
}


class Wrong(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_any(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scenario = self.path.partition("?")[0].rpartition("/")[2]
        content = json.dumps(WRONG[scenario]).encode()
        self.send_response(201 if scenario in ("screenings", "payments") else 200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Location", "/v1/payments/payments")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_any

    def log_message(self, *_):
        pass


def test_wrong_answers_are_failures():
    with ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        found, _ = load(host, "--tags", *WRONG, code=1)
        server.shutdown()
    found.pop("/v1/payments/[id]")  # what it reads is what was created
    assert len(found) == len(WRONG)
    assert [n for n, entry in found.items() if entry["num_failures"] < entry["num_requests"]] == []


def test_the_files_of_the_image_are_enough(hosts, tmp_path):
    """deploy/locust.Dockerfile copies sources and installs Locust: neither the service's nor the
    lab's packages are there."""
    shutil.copytree(ROOT / "loadtests", tmp_path / "loadtests")
    shutil.rmtree(tmp_path / "loadtests" / "bench")
    shutil.rmtree(tmp_path / "loadtests" / "lab" / "report")
    for module in (tmp_path / "loadtests" / "lab").glob("*.py"):
        if module.name not in ("__init__.py", "bench_routes.py", "requests.py", "scenario.py"):
            module.unlink()
    users = Path("service/screening/locustfile.py")
    (tmp_path / users).parent.mkdir(parents=True)
    shutil.copy(ROOT / users, tmp_path / users)
    (tmp_path / "service/__init__.py").write_text("raise ImportError('no service here')\n")
    found, _ = load(hosts["gateway"], "--tags", "matches", directory=tmp_path)
    assert found["/v1/matches"]["num_failures"] == 0
    imported = subprocess.run(
        [sys.executable, "-c", "import loadtests.checked, sys; print(loadtests.checked.__file__);"
         "print({'numpy', 'psutil', 'rich', 'typer'} & sys.modules.keys() - {'psutil'})"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert imported.stdout == f"{tmp_path}/loadtests/checked.py\nset()\n"
