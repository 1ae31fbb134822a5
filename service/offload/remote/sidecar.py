"""Starts the sidecar, keeps it running, and stops it."""

from __future__ import annotations

import json
import logging
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from service.errors import ServiceError
from service.offload.remote.channel import wait_until_serving
from service.offload.spec import EngineSpec

log = logging.getLogger("hotpath.sidecar")

PROTOCOL = 1
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.05, 5.0
STABLE_S = 10.0  # a sidecar that lived this long starts the back-off anew
LOOK_S = 0.02  # between two looks at what may have happened
MOST_HANDSHAKE_BYTES = 4096

ENVIRONMENT = (
    *("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ"),
    *("GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK"),
)
"""What it is handed of ours. The rest, passwords among it, is none of its business."""


class Failed(Exception):
    """Why a sidecar did not start."""


class Sidecar:
    """A sidecar process on a Unix socket in a private directory, restarted when it dies.

    The handshake is one line of JSON on its stdout; it logs to stderr, which is ours. It
    exits when its stdin closes, so it cannot outlive us, however we end.
    """

    def __init__(self, binary: str, *arguments: str, start_timeout_s: float = 10.0) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="hotpath-"))  # mode 0700
        self.address = f"unix:{self._directory / 'sidecar.sock'}"
        self._command = [binary, "-listen", self.address, "-exit-on-stdin-close", *arguments]
        self._start_timeout_s = start_timeout_s
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = threading.Thread(target=self._watch, name="sidecar-watch", daemon=True)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Blocks until the health service says SERVING. Raises ServiceError engine_down."""
        try:
            self._process = self._spawn()
        except BaseException as error:
            shutil.rmtree(self._directory, ignore_errors=True)
            if isinstance(error, Failed):
                message = f"the sidecar did not start: {error}"
                raise ServiceError("engine_down", message) from error
            raise
        self._watcher.start()
        return self

    def stop(self, grace_s: float = 5.0) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()  # it may be in the middle of a restart, which it gives up
        if self._process:
            _end(self._process, grace_s)
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Raises: Failed."""
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                start_new_session=True,
            )
        except OSError as error:  # it is gone, is no program, or there is no room for a process
            raise Failed(f"{self._command[0]}: {error.strerror}") from error
        try:
            ends_at = time.monotonic() + self._start_timeout_s
            _check(self._handshake(process, ends_at))
            try:
                wait_until_serving(
                    self.address,
                    max(0, ends_at - time.monotonic()),
                    given_up=lambda: self._stopping.is_set() or process.poll() is not None,
                )
            except TimeoutError as error:
                raise Failed(str(error)) from error
        except BaseException:
            _end(process, grace_s=0)
            raise
        log.info("sidecar %s serves on %s", process.pid, self.address)
        return process

    def _handshake(self, process: subprocess.Popen[bytes], ends_at: float) -> bytes:
        """What came until the line's end, the stream's, its limit's or the time's."""
        assert process.stdout is not None
        came = select.poll()  # which takes descriptors past 1,023, too
        came.register(process.stdout, select.POLLIN)
        line = b""
        while b"\n" not in line and len(line) < MOST_HANDSHAKE_BYTES:
            if self._stopping.is_set():
                raise Failed("it is not wanted any more")
            if time.monotonic() > ends_at:
                break
            if not came.poll(1000 * LOOK_S):
                continue
            part = os.read(process.stdout.fileno(), MOST_HANDSHAKE_BYTES)
            if not part:
                if not line and (code := _code_soon(process)) is not None:
                    raise Failed(f"it ended with code {code}; see its log on stderr")
                break
            line += part
        return line

    def _watch(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            started = time.monotonic()
            process = self._process
            while process and process.poll() is None:
                if self._stopping.wait(LOOK_S):
                    return
            if process:
                if time.monotonic() - started > STABLE_S:
                    backoff_s = FIRST_BACKOFF_S
                log.error(
                    "sidecar ended with code %s; next start in %.2f s",
                    process.returncode,
                    backoff_s,
                )
                _close_pipes(process)
                self._process = None
            if self._stopping.wait(backoff_s):
                return
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
            try:
                self._process = self._spawn()
            except Failed as error:
                if not self._stopping.is_set():
                    log.error("sidecar restart failed: %s; next start in %.2f s", error, backoff_s)
            except Exception:
                # Whatever it was, it may pass, and without this thread nothing would heal.
                log.exception("sidecar restart failed; next start in %.2f s", backoff_s)


def start(spec: EngineSpec, threads: int) -> Sidecar:
    """Blocks until the engine's sidecar serves. Raises: ServiceError engine_down."""
    return Sidecar(spec.sidecar_path(), "-threads", str(threads)).start()


def _check(line: bytes) -> None:
    """Raises: Failed, where it is not the handshake's."""
    try:
        handshake = json.loads(line)
    except (ValueError, RecursionError):
        handshake = None
    if not isinstance(handshake, dict) or handshake.get("protocol") != PROTOCOL:
        raise Failed(f"expected protocol {PROTOCOL} in a line, got {line[:80]!r}")


def _code_soon(process: subprocess.Popen[bytes]) -> int | None:
    """Of one that closed its stdout, most likely because it ends."""
    try:
        return process.wait(1)
    except subprocess.TimeoutExpired:
        return None


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    if process.poll() is None:
        # All of its session, in case that the program is a script around the sidecar.
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
