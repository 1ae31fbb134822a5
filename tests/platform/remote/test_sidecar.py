"""The supervisor, with the real binary."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hotpath_go import sidecar_path

from service.errors import ServiceError
from service.offload.remote.channel import wait_until_serving
from service.offload.remote.sidecar import Sidecar
from tests.servers import wait_until

PROGRAM = str(sidecar_path())


def socket_of(sidecar: Sidecar) -> Path:
    return Path(sidecar.address.removeprefix("unix:"))


def test_the_socket_is_private_and_gone_in_the_end() -> None:
    with Sidecar(PROGRAM) as sidecar:
        path, pid = socket_of(sidecar), sidecar.pid
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        wait_until_serving(sidecar.address, 60)
    assert not path.parent.exists()
    assert pid is not None
    assert not psutil.pid_exists(pid)


def test_a_killed_sidecar_is_started_again_on_the_same_address() -> None:
    with Sidecar(PROGRAM) as sidecar:
        for _ in range(2):
            old = sidecar.pid
            assert old is not None
            psutil.Process(old).kill()
            wait_until(lambda old=old: sidecar.pid not in (None, old), "a new process")
            wait_until_serving(sidecar.address, 60)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_sidecar_does_not_outlive_its_parent(how: signal.Signals) -> None:
    program = (
        "import sys, time; from service.offload.remote.sidecar import Sidecar;"
        "s = Sidecar(sys.argv[1]).start(); print(s.pid, flush=True); time.sleep(300)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, PROGRAM], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.send_signal(how)
    wait_until(lambda: not psutil.pid_exists(pid), "the sidecar's end")


@pytest.mark.parametrize(
    ("program", "reason", "timeout_s"),  # a short one where it is to pass
    [
        ("#!/bin/sh\nexit 3\n", "ended with code 3", 60),
        ("#!/bin/sh\necho hello; sleep 300\n", "did not start", 60),
        ("#!/bin/sh\necho '{\"protocol\": 2}'; sleep 300\n", "expected protocol 1", 60),
        ("#!/bin/sh\necho '{\"protocol\": 1}'; sleep 300\n", "no healthy sidecar", 2),
        ("#!/bin/sh\nsleep 300\n", "expected protocol 1", 0.5),
        ("#!/bin/sh\nprintf '{\"protocol\": 1}'; sleep 300\n", "no healthy sidecar", 2),
        ("#!/bin/sh\necho '[]'; sleep 300\n", "expected protocol 1", 60),
        ("#!/bin/sh\necho '\"text\"'; sleep 300\n", "expected protocol 1", 60),
        ("#!/bin/sh\nprintf '\\377\\n'; sleep 300\n", "expected protocol 1", 60),
        ("#!/bin/sh\nexec yes [[[[[[[[[[ | tr -d '\\n'\n", "expected protocol 1", 60),
        ("#!/bin/sh\necho '{\"protocol\": 1}'; exit 4\n", "it ended", 60),
        ("#!/bin/sh\nexec 1>&-; sleep 300\n", "expected protocol 1", 60),
        ("neither script nor program", "Exec format error", 60),
        ("#!/nowhere\n", "No such file", 60),
    ],
)
def test_a_sidecar_that_cannot_start_is_an_error_and_leaves_nothing(
    tmp_path: Path, program: str, reason: str, timeout_s: float
) -> None:
    binary = tmp_path / "sidecar"
    binary.write_text(program)
    binary.chmod(0o755)
    sidecar = Sidecar(str(binary), start_timeout_s=timeout_s)
    with pytest.raises(ServiceError, match=reason) as caught:
        sidecar.start()
    assert caught.value.code == "engine_down"
    assert not socket_of(sidecar).parent.exists()


def test_a_program_that_is_not_there_or_not_to_be_run_is_an_error(tmp_path: Path) -> None:
    for program, reason in (
        (tmp_path / "nowhere", "No such file"),
        (tmp_path, "Permission denied"),
    ):
        with pytest.raises(ServiceError, match=f"{program}: {reason}") as caught:
            Sidecar(str(program)).start()
        assert caught.value.code == "engine_down"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A script that is the sidecar until somebody writes something else to it."""
    script = tmp_path / "sidecar"
    put(script, REAL)
    return script


REAL = f'#!/bin/sh\nexec {PROGRAM} "$@"\n'


def put(script: Path, text: str) -> None:
    """At once, as an update does: a file that is written to cannot be run."""
    new = script.with_name("new")
    new.write_text(text)
    new.chmod(0o755)
    new.rename(script)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "#!/bin/sh\nexit 1\n",
        "#!/bin/sh\necho '[]'; sleep 300\n",
        "#!/bin/sh\nprintf '{\"protocol\"'; sleep 300\n",
        "neither script nor program",
    ],
    ids=["no file", "ends", "no handshake", "half of one", "no program"],
)
def test_it_heals_when_the_cause_is_gone(
    program: Path,
    broken: str | None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.offload.remote.sidecar.LAST_BACKOFF_S", 0.1)
    with Sidecar(str(program), start_timeout_s=60) as sidecar:
        old = sidecar.pid
        assert old is not None
        sidecar._start_timeout_s = 0.5  # of what is to fail; the real one has more
        if broken is None:
            program.unlink()
        else:
            put(program, broken)
        psutil.Process(old).kill()
        failed = "sidecar restart failed"
        wait_until(lambda: sum(m.startswith(failed) for m in caplog.messages) >= 2, "failures")
        sidecar._start_timeout_s = 60
        put(program, REAL)
        wait_until(lambda: sidecar.pid not in (None, old), "a new process")
        wait_until_serving(sidecar.address, 60)


def test_it_stops_in_the_middle_of_a_start_that_hangs(program: Path, tmp_path: Path) -> None:
    with Sidecar(str(program), start_timeout_s=3600) as sidecar:
        old = sidecar.pid
        assert old is not None
        started = tmp_path / "started"
        put(program, f"#!/bin/sh\necho $$ >{started}.new; mv {started}.new {started}; sleep 300\n")
        psutil.Process(old).kill()
        wait_until(started.exists, "the start that hangs")
    assert not psutil.pid_exists(int(started.read_text()))


def test_it_is_handed_nothing_that_it_does_not_need(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOTPATH_DATABASE_URL", "postgresql://name:secret@host/db")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("GOMAXPROCS", "1")
    found = tmp_path / "environment"
    put(program, REAL.replace("exec", f"env >{found}\nexec"))
    with Sidecar(str(program)):
        text = found.read_text()
    assert "GOMAXPROCS=1" in text
    assert "PATH=" in text
    assert "secret" not in text
    assert "HOTPATH" not in text
