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
