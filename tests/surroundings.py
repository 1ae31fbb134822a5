"""What a process inherits from whoever starts it, made the same for every run of the tests."""

from __future__ import annotations

import os
import resource
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPEN_FILES = 4096

# Beginnings of the names of variables that change what a program does.
DROPPED = (
    *("HOTPATH_", "LOCUST_", "UVICORN_", "GRANIAN_", "GRPC_", "OTEL_", "PG", "PYTHON"),
    *("FORWARDED_ALLOW_IPS", "WEB_CONCURRENCY", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT"),
    *("LANG", "LC_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "PY_COLORS"),
    *("TERMINAL_WIDTH", "TTY_", "TYPER_", "_TYPER_", "GITHUB_ACTIONS"),
    *("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"),
    # Those of a hook that calls us would point to another repository than the folder does.
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"),
    *("GIT_PREFIX", "GIT_AUTHOR_", "GIT_COMMITTER_"),
)
KEPT = {"HOTPATH_TEST_POSTGRES"}
OF_A_COPY = {"HOTPATH_DOMAIN", "PYTHONPATH"}  # they come from tests/without_sample


def settle() -> None:
    """For this process and all that it starts. May be called more than once."""
    _settle_environment()
    _settle_signals()
    os.umask(0o022)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES or soft == resource.RLIM_INFINITY:
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    # The next file that is opened would else be what programs take for a standard stream.
    while (found := os.open(os.devnull, os.O_RDWR)) < 3:
        os.set_inheritable(found, True)
    os.close(found)


def _settle_environment() -> None:
    kept = KEPT | OF_A_COPY if os.environ.get("PYTHONPATH") == str(ROOT) else KEPT
    for name in [name for name in os.environ if name.startswith(DROPPED) and name not in kept]:
        del os.environ[name]
    sys.dont_write_bytecode = False  # each server would compile all that it imports
    os.environ |= {"LC_ALL": "C.UTF-8", "TERM": "dumb"}
    # By it a test knows its own run's processes, those too whose parents are gone.
    os.environ["TESTED_BY"] = str(os.getpid())
    # A proxy may be needed for what is outside, and never for what the tests start.
    for name in ("no_proxy", "NO_PROXY"):
        hosts = {*filter(None, os.environ.get(name, "").split(",")), "127.0.0.1", "localhost"}
        os.environ[name] = ",".join(sorted(hosts))


def _settle_signals() -> None:
    """An ignored signal is inherited, one with a handler is not: what a shell or nohup wanted
    ignored goes on being so here, and does its work in what is started."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        # Python ignores these two itself, and gives them back to what it starts.
        if number not in (signal.SIGPIPE, signal.SIGXFSZ) and (
            signal.getsignal(number) is signal.SIG_IGN
        ):
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
