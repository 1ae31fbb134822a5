"""The tests do not depend on who starts them: a hostile parent, and what is left of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]

# What a process finds that a settled one starts.
REPORT = """
import json, os, resource, signal, sys
defaults = signal.SIG_DFL, signal.default_int_handler
json.dump({
    "ignored": [n.name for n in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD,
        signal.SIGUSR1) if signal.getsignal(n) not in defaults],
    "blocked": [n.name for n in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    "umask": os.umask(0),
    "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    "variables": sorted(os.environ),
    "bypassed": os.environ["no_proxy"],
    "streams": [os.fstat(number).st_mode > 0 for number in range(3)],
}, open(sys.argv[1], "w"))
"""
SETTLED = """
import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
from tests import surroundings
surroundings.settle()
surroundings.settle()
os.kill(os.getpid(), signal.SIGHUP)  # what was ignored is so still
subprocess.run([sys.executable, "-c", *sys.argv[1:]], check=True)
"""
HOSTILE = 'trap "" INT HUP TERM CHLD USR1; umask 077; ulimit -S -n 64; exec "$@" <&- >&- 2>&-'
VARIABLES = {
    "HOTPATH_ENGINE": "rsut",
    "HOTPATH_DOMAIN": "nowhere:DOMAIN",
    "PGHOST": "nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "LANG": "C",
    "COLUMNS": "7",
    "FORCE_COLOR": "1",
    "MAKEFLAGS": "-k",
    "GIT_DIR": "/nowhere",
}


def test_what_a_parent_ignored_closed_or_set_does_not_reach_what_tests_start(
    tmp_path: Path,
) -> None:
    found = tmp_path / "found.json"
    subprocess.run(
        ["sh", "-c", HOSTILE, "sh", sys.executable, "-c", SETTLED, REPORT, found],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "http_proxy": "http://proxy.test", "no_proxy": "x.test"}
        | VARIABLES,
        check=True,
    )
    report = json.loads(found.read_text())
    assert (report["ignored"], report["blocked"], report["umask"]) == ([], [], 0o022)
    assert report["files"] > 64
    assert not VARIABLES.keys() & set(report["variables"])
    assert "http_proxy" in report["variables"]  # what is outside may need it
    assert report["bypassed"] == "127.0.0.1,localhost,x.test"
    assert report["streams"] == [True] * 3


def test_no_port_is_given_twice() -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from tests.servers import free_port as f;"
         "print(*(f() for _ in range(30)), flush=True)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = [free_port() for _ in range(60)]
    assert len({*here}) == 60
    assert all(1024 < port < 32768 for port in [*here, *map(int, other.stdout.split())])
