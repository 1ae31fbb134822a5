"""Times every kernel on every engine beside its peers, interleaved in short slices.

Each implementation runs in a process of its own; one at a time works. The machine's speed
drifts, so a round visits all of them in random order, and what is compared is their medians.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pkgutil import resolve_name
from statistics import median
from typing import Any

from pydantic import TypeAdapter

from loadtests.bench.kernel import Benches, Options
from service.domain import Domain
from service.offload.spec import EngineSpec, default

RPC = "-rpc"  # what the caller waits; without it, the time inside the sidecar
SEED = 20_260_101
SLICE_S = 0.25
RESAMPLES = 2000


class BenchError(Exception):
    """An implementation that does not run fails the whole bench."""


@dataclass(frozen=True)
class Contestant:
    kernel: str
    implementation: str
    unit: str
    threads: int


@dataclass
class Samples:
    contestant: Contestant
    ns_per_unit: list[float] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """The median with the 95 % interval of a bootstrap over slices."""
        rng = random.Random(SEED)
        count = len(self.ns_per_unit)
        medians = sorted(median(rng.choices(self.ns_per_unit, k=count)) for _ in range(RESAMPLES))
        return asdict(self.contestant) | {
            "ns_per_unit": median(self.ns_per_unit),
            "ci_low": medians[int(0.025 * RESAMPLES)],
            "ci_high": medians[int(0.975 * RESAMPLES)],
        }


def benches_of(domain: Domain) -> Benches:
    found: Benches = resolve_name(domain.benches) if domain.benches else Benches()
    return found


def contestants(domain: Domain, kernels: Sequence[str], engines: Sequence[str]) -> list[Contestant]:
    """All of them by default; with engines named, those and the peers."""
    benches, cores = benches_of(domain), os.cpu_count() or 1
    found = []
    for bench in map(benches.named, kernels or benches.names()):
        for spec in domain.engines:
            if engines and spec.name not in engines:
                continue
            for unit in bench.units:
                for threads in dict.fromkeys((1, cores)):
                    found.append(Contestant(bench.name, spec.name, unit, threads))
                    if spec.sidecar:
                        found.append(Contestant(bench.name, spec.name + RPC, unit, threads))
        found += [Contestant(bench.name, peer.name, peer.unit, 1) for peer in bench.peers]
    return found


def run(
    entries: Sequence[Contestant],
    engines: Sequence[EngineSpec],
    options: Options,
    seconds: float,
    progress: Callable[[str], None],
) -> list[Samples]:
    """seconds: counted time for each contestant. Raises: BenchError."""
    rng = random.Random(SEED)
    rounds = max(4, round(seconds / SLICE_S))
    timed = {entry.implementation for entry in entries}
    local = [spec for spec in engines if spec.name in timed and not spec.sidecar]
    judge = default(local or engines).name
    results = []
    for kernel in dict.fromkeys(entry.kernel for entry in entries):
        samples = [Samples(entry) for entry in entries if entry.kernel == kernel]
        with ExitStack() as stack:
            workers = []
            for sample in samples:
                progress(f"{kernel}: starting {sample.contestant.implementation}")
                workers.append(stack.enter_context(_worker(sample.contestant, options, judge)))
            for number in range(rounds + 1):
                progress(f"{kernel}: round {number} of {rounds}")
                for sample, worker in rng.sample(list(zip(samples, workers)), len(samples)):
                    took = _ask(worker, str(SLICE_S), sample.contestant)
                    if number:  # round 0 warms up
                        sample.ns_per_unit.append(1e9 * took["busy_s"] / took["units"])
        results += samples
    return results


@contextmanager
def _worker(entry: Contestant, options: Options, judge: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "loadtests.bench.worker", entry.kernel, entry.implementation]
    chosen = TypeAdapter(type(options)).dump_json(options).decode()
    command += [entry.unit, str(entry.threads), judge, chosen]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            _read(process, entry)
            yield process
        finally:
            assert process.stdin is not None
            process.stdin.close()


def _ask(process: subprocess.Popen[str], line: str, entry: Contestant) -> dict[str, float]:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return _read(process, entry)


def _read(process: subprocess.Popen[str], entry: Contestant) -> dict[str, float]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(
            f"{entry.implementation} ({entry.kernel}) ended with code {process.wait()}; "
            "its message is above"
        )
    answer: dict[str, float] = json.loads(line)
    return answer
