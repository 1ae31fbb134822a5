"""A real browser, driven by its own protocol: what a page logs, fetches and looks like.

`python -m tests.lab.chromium PAGE DIRECTORY` writes its screenshots and its print.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import connect

FOUND = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--remote-debugging-port=0",
)  # fmt: skip
WAIT_S = 60.0
QUIET_S = 0.5  # after the page is loaded, for what its scripts may still ask for


class Page:
    """complaints: console errors and warnings, exceptions, failed loads.
    requests: addresses that the page asked for, its own apart."""

    def __init__(self, socket):
        self._socket, self._number = socket, 0
        self.complaints, self.requests, self._loaded, self._own = [], [], False, None
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = self._read(WAIT_S)
            if message.get("id") == self._number:
                assert "error" not in message, (method, message)
                return message["result"]

    def open(self, path, width, *, dark=False):
        self._own, self._loaded = path.resolve().as_uri(), False
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=self._own)
        until = time.monotonic() + WAIT_S
        while not self._loaded:
            assert time.monotonic() < until, "the page was not loaded in time"
            self._read(WAIT_S)
        self.settle()

    def settle(self):
        until = time.monotonic() + QUIET_S
        while (left := until - time.monotonic()) > 0:
            try:
                self._read(left)
            except TimeoutError:
                return

    def evaluate(self, expression):
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self):
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    def pdf(self):
        answer = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(answer["data"])

    def _read(self, timeout_s):
        message = json.loads(self._socket.recv(timeout=timeout_s))
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(f"console: {params['args']}")
            case "Runtime.exceptionThrown":
                self.complaints.append(f"exception: {params['exceptionDetails']}")
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"log: {params['entry']['text']}")
            case "Network.requestWillBeSent":
                url = params["request"]["url"]
                if url != self._own and not url.startswith(("data:", "blob:")):
                    self.requests.append(url)
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
        return message


@contextmanager
def page(downloads=None):
    """A tab of a browser of its own; downloads: the directory that takes them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [FOUND, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = _port(Path(profile) / "DevToolsActivePort", process)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=10) as answer:
                tab = next(t for t in json.load(answer) if t["type"] == "page")
            with connect(tab["webSocketDebuggerUrl"], max_size=None) as socket:
                opened = Page(socket)
                if downloads is not None:
                    opened.call(
                        "Browser.setDownloadBehavior",
                        behavior="allow", downloadPath=str(downloads),
                    )  # fmt: skip
                yield opened
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(file, process):
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        assert process.poll() is None, "the browser ended"
        # The file is there before its content is.
        if file.exists() and "\n" in (content := file.read_text()):
            return int(content.splitlines()[0])
        time.sleep(0.05)
    raise AssertionError("the browser did not say its port")


def main(source, directory):
    directory.mkdir(parents=True, exist_ok=True)
    with page() as opened:
        for name, width, dark in (("wide", 1280, 0), ("phone", 390, 0), ("dark", 1280, 1)):
            opened.open(source, width, dark=bool(dark))
            (directory / f"{name}.png").write_bytes(opened.screenshot())
        (directory / "print.pdf").write_bytes(opened.pdf())
        print("\n".join(opened.complaints + opened.requests) or "no complaint, no request")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
