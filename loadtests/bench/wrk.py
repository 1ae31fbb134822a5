"""The lab's throughput at saturation beside wrk's, on the same server.

    python -m loadtests.bench.wrk http://127.0.0.1:8080/bench/json --pid PID --out FILE

Slices of load alternate, in the order A B B A. Both keep the same number of connections
busy; wrk has one thread. PID is the server's: its CPU time per request tells whether
both did the same to it. On two cores bind the server to one and this to the other, or the
generator takes from the server what it measures: taskset -acp 0 PID; taskset -c 1 python ...
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil

from loadtests.lab.locust_process import LocustProcess, locust
from loadtests.lab.meter import cpu_s
from loadtests.lab.progress import Progress
from loadtests.lab.resampling import mean_ratio
from loadtests.lab.scenario import get
from loadtests.lab.slices import Order, StreamOrder


def by_wrk(url: str, pid: int, connections: int, seconds: float) -> dict[str, Any]:
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is not installed")
    before = cpu_s(pid)
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", url]
    text = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ).stdout
    counted = re.search(r"(\d+) requests in ([\d.]+)s", text)
    if counted is None or "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"wrk: expected answers without errors, got\n{text}")
    requests, window_s = int(counted[1]), float(counted[2])
    return {
        "rps": requests / window_s,
        "server_us": 1e6 * (cpu_s(pid) - before) / requests,
    }


def by_lab(
    process: LocustProcess, url: str, pid: int, connections: int, seconds: float, pool: Path
) -> dict[str, Any]:
    order = Order(
        id="lab",
        url=f"http://{urlsplit(url).netloc}",
        pid=pid,
        streams=[StreamOrder(name="main", pool=str(pool), users=connections)],
        headers={},
        seed=1,
        warmup_s=0.0,  # wrk has none either
        window_s=seconds,
        max_s=seconds + 10,
    )
    figures = process.load(order, timeout_s=3 * seconds + 60)
    if figures["faults"] or figures["usage"] is None:
        raise SystemExit(f"lab: {figures['faults'][0]}")
    requests, window_s = figures["streams"]["main"]["completed"], figures["window_s"]
    return {
        "rps": requests / window_s,
        "server_us": 1e6 * figures["usage"]["server"]["cpu_s"] / requests,
        "generator_share": figures["generator_cpu_s"] / window_s,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url")
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each slice")
    parser.add_argument("--out", type=Path, help="write every slice to this JSON file")
    given = parser.parse_args()

    path = urlsplit(given.url).path
    slices: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as directory:
        pool = Path(directory, "pool.json")
        with urlopen(given.url, timeout=10) as answer:  # noqa: S310  # the user's own
            content = answer.read().decode()
        pool.write_text(json.dumps({"requests": [get(path, None, content)]}), encoding="utf-8")
        with locust(Path(directory, "locust.log"), Progress(), None) as process:
            for round_ in range(1, given.rounds + 1):
                for name in ("lab", "wrk") if round_ % 2 else ("wrk", "lab"):
                    if name == "wrk":
                        found = by_wrk(given.url, given.pid, given.connections, given.seconds)
                    else:
                        found = by_lab(
                            process, given.url, given.pid, given.connections, given.seconds, pool
                        )
                    slices.append({"round": round_, "by": name} | found)
    rates = {n: [s["rps"] for s in slices if s["by"] == n] for n in ("lab", "wrk")}
    costs = {n: [s["server_us"] for s in slices if s["by"] == n] for n in ("lab", "wrk")}
    shares = [s["generator_share"] for s in slices if s["by"] == "lab"]
    ratio, low, high = mean_ratio([math.log(lab / wrk) for lab, wrk in zip(*rates.values())])
    for name, rps in rates.items():
        print(
            f"{name}: {statistics.median(rps):.0f} requests/s "
            f"({min(rps):.0f} to {max(rps):.0f}), "
            f"{statistics.median(costs[name]):.1f} us of the server's CPU per request"
        )
    bounds = "" if low is None else f"{low:.3f} to {high:.3f}, "
    print(f"lab / wrk: {ratio:.3f} ({bounds}{given.rounds} pairs)")
    print(f"the lab's generator used {100 * statistics.median(shares):.0f} % of a core")
    if given.out:
        summary = {"ratio": ratio, "low": low, "high": high}
        facts = {"path": path, "connections": given.connections, "seconds": given.seconds}
        facts["cores"] = sorted(psutil.Process().cpu_affinity())
        facts["server_cores"] = sorted(psutil.Process(given.pid).cpu_affinity())
        given.out.write_text(
            json.dumps({"settings": facts, "summary": summary, "slices": slices}, indent=1),
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()
