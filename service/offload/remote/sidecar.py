"""Starts the sidecar, keeps it running, and stops it."""

from __future__ import annotations

import json
import logging
import select
import shutil
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
        except BaseException:
            shutil.rmtree(self._directory, ignore_errors=True)
            raise
        self._watcher.start()
        return self

    def stop(self, grace_s: float = 5.0) -> None:
        self._stopping.set()
        if self._watcher.is_alive():
            self._watcher.join()  # it may be in the middle of a restart
        if self._process:
            _end(self._process, grace_s)
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        try:
            assert process.stdout is not None
            readable, _, _ = select.select([process.stdout], [], [], self._start_timeout_s)
            line = process.stdout.readline() if readable else b""
            if readable and not line:  # it closed its stdout, most likely because it ended
                raise TimeoutError(f"it ended with code {process.wait(1)}; see its log on stderr")
            handshake = json.loads(line) if line else {}
            if handshake.get("protocol") != PROTOCOL:
                raise TimeoutError(f"expected protocol {PROTOCOL}, got {line[:80]!r}")
            wait_until_serving(self.address, self._start_timeout_s)
        except (ValueError, TimeoutError, subprocess.TimeoutExpired) as error:
            _end(process, grace_s=0)
            raise ServiceError("engine_down", f"the sidecar did not start: {error}") from error
        log.info("sidecar %s serves on %s", process.pid, self.address)
        return process

    def _watch(self) -> None:
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping.is_set():
            started = time.monotonic()
            process = self._process
            while process and process.poll() is None:
                if self._stopping.wait(0.02):
                    return
            if time.monotonic() - started > STABLE_S:
                backoff_s = FIRST_BACKOFF_S
            log.error(
                "sidecar ended with code %s; next start in %.2f s",
                process.returncode if process else None,
                backoff_s,
            )
            if process:
                _close_pipes(process)
            if self._stopping.wait(backoff_s):
                return
            backoff_s = min(2 * backoff_s, LAST_BACKOFF_S)
            try:
                self._process = self._spawn()
            except ServiceError as error:
                log.error("sidecar restart failed: %s", error)
                self._process = None


def start(spec: EngineSpec, threads: int) -> Sidecar:
    """Blocks until the engine's sidecar serves. Raises: ServiceError engine_down."""
    return Sidecar(spec.sidecar_path(), "-threads", str(threads)).start()


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    _close_pipes(process)


def _close_pipes(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
