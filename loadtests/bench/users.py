"""CPU time per request of the two user classes, against the same null server.

    python -m loadtests.bench.users http://127.0.0.1:8080/bench/plaintext --out FILE

Slices of load alternate between the classes, in the order A B B A, each in a process of
its own; a slice is a whole Locust: runner, tasks, request event, statistics. What
counts is the generator's CPU time, so the server may run on the same machine.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loadtests.lab.resampling import mean_ratio

CLASSES = ("LeanHttpUser", "FastHttpUser")


def load(name: str, url: str, users: int, seconds: float) -> dict[str, Any]:
    """Loads the URL in this process and counts."""
    import time

    import gevent
    from locust import FastHttpUser, task
    from locust.env import Environment

    from loadtests.users import LeanHttpUser

    parts = urlsplit(url)

    class Lean(LeanHttpUser):
        host = f"http://{parts.netloc}"

        def on_start(self) -> None:
            self.request = self.prepare("GET", parts.path)

        @task
        def ask(self) -> None:
            self.send(self.request)

    class Fast(FastHttpUser):
        host = f"http://{parts.netloc}"

        @task
        def ask(self) -> None:
            self.client.get(parts.path)

    environment = Environment(user_classes=[{"LeanHttpUser": Lean, "FastHttpUser": Fast}[name]])
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(0.5)
    before, cpu, started = environment.stats.total.num_requests, time.process_time(), time.time()
    gevent.sleep(seconds)
    requests = environment.stats.total.num_requests - before
    cpu_s, wall_s = time.process_time() - cpu, time.time() - started
    runner.quit()
    if errors := [error.error for error in environment.stats.errors.values()]:
        raise SystemExit(f"{name}: requests failed: {errors}")
    return {"class": name, "requests": requests, "cpu_s": cpu_s, "wall_s": wall_s}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--users", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each slice")
    parser.add_argument("--out", type=Path, help="write every slice to this JSON file")
    parser.add_argument("--slice", choices=CLASSES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.slice:
        print(json.dumps(load(given.slice, given.url, given.users, given.seconds)))
        return

    slices: list[dict[str, Any]] = []
    for round_ in range(given.rounds):
        for name in CLASSES if round_ % 2 == 0 else CLASSES[::-1]:
            command = [sys.executable, "-m", __spec__.name, given.url, "--slice", name]
            command += ["--users", str(given.users), "--seconds", str(given.seconds)]
            done = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
            slices.append({"round": round_ + 1} | json.loads(done.stdout))
    costs = {
        name: [1e6 * s["cpu_s"] / s["requests"] for s in slices if s["class"] == name]
        for name in CLASSES
    }
    # Zip by round: the slices of a round ran one right after the other.
    ratio, low, high = mean_ratio([math.log(a / b) for a, b in zip(*costs.values())])
    for name, found in costs.items():
        print(
            f"{name}: {statistics.median(found):.1f} us of CPU per request "
            f"(slices {min(found):.1f} to {max(found):.1f})"
        )
    bounds = "" if low is None else f"{low:.3f} to {high:.3f}, "
    print(f"ratio: {ratio:.3f} ({bounds}{given.rounds} pairs)")
    if given.out:
        summary = {"us_per_request": costs, "ratio": ratio, "low": low, "high": high}
        settings = {"users": given.users, "seconds": given.seconds, "rounds": given.rounds}
        given.out.write_text(
            json.dumps({"settings": settings, "summary": summary, "slices": slices}, indent=1),
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
