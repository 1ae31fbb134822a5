"""Results as a run might write them, drawn from known laws with a seed: nothing was measured."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np

VARIANTS = (
    "reference-inline", "python-inline", "python-process", "cython-thread", "rust-thread", "go-rpc",
)  # fmt: skip
BASELINES = ("python-inline", "reference-inline")
# Microseconds per request: boundary, per byte, per microsecond of work.
COSTS = {
    "reference-inline": (450.0, 0.02, 1500.0),
    "python-inline": (450.0, 0.02, 30.0),
    "python-process": (900.0, 0.03, 30.0),
    "cython-thread": (520.0, 0.02, 1.15),
    "rust-thread": (520.0, 0.02, 1.0),
    "go-rpc": (700.0, 0.025, 0.6),
    "gateway": (60.0, 0.02, 0.9),
}
WORK_US = {"0.8": 26.0, "0.9": 7.0, "0.95": 2.0}
LAYERS = {"asgi": 90.0, "starlette": 160.0, "model": 380.0, "dict": 400.0, "sqlalchemy": 520.0}


class Maker:
    """Draws blocks of cells; the drift is the same for all blocks of a round."""

    def __init__(self, seed=1, rounds=8, noise=0.04, drift=0.15, window_s=0.5):
        self.dice = np.random.default_rng(seed)
        self.rounds, self.noise, self.window_s = rounds, noise, window_s
        self.drift = np.exp(self.dice.normal(0, drift, rounds))
        self.cells, self.blocks, self.targets = [], [], {}

    def target(self, name, variant=None, kind="service", server="uvicorn", rung=None, twin_of=None):
        self.targets[name] = {
            "kind": kind, "variant": None if kind == "gateway" else variant or name,
            "twin_of": twin_of, "slowed": None, "rung": rung, "environment": {},
            "server": None if kind == "gateway" else server,
            "startup_s": 1.0, "verification": {"matches": 32},
        }  # fmt: skip

    def cell(self, section, scenario, target, cost_us, **fields):
        told_apart = (("*", fields.get("items")), ("~", fields.get("work")))
        told_apart += (("@", fields.get("rate_rps") or fields.get("io_rate_rps")),)
        more = "".join(f"{mark}{value:g}" for mark, value in told_apart if value is not None)
        cell = {
            "id": f"{section}/{scenario}/{target}{more}", "section": section, "scenario": scenario,
            "target": target, "model": "closed", "users": 2, "rate_rps": None, "arrivals": None,
            "items": None, "request_bytes": None, "work": None, "held_out": False,
            "io_rate_rps": None,
        } | fields  # fmt: skip
        self.cells.append(cell)
        for round_ in range(1, self.rounds + 1):
            slow = self.drift[round_ - 1] * np.exp(self.dice.normal(0, self.noise))
            self.blocks.append(self.block(cell, round_, cost_us * slow))
        return cell

    def block(self, cell, round_, cost_us):
        window_s = max(self.window_s, 4 * cost_us / 1e6)
        rate = cell["rate_rps"]
        count = int((rate or 1e6 / cost_us) * window_s)
        load = min((rate or 0) * cost_us / 1e6, 0.98)
        wait = cost_us * (2 if rate is None else 1 / (1 - load))
        streams = {}
        if cell["section"] == "mixed":
            if cell["users"]:
                streams["hot"] = self.stream("closed", None, count, 2 * cost_us)
            lag = cost_us / 2 if "inline" in cell["target"] else 120
            streams["io"] = self.stream(
                "open", 100.0, int(400 * window_s), 900 + lag * bool(cell["users"])
            )
        else:
            streams["main"] = self.stream(cell["model"], rate, count, wait)
        busy = (count + (100 if "io" in streams else 0)) * cost_us * 0.9 / 1e6
        sidecar = 0.3 * busy if "go-rpc" in cell["target"] else 0.0
        return {
            "cell": cell["id"], "round": round_, "position": 1,
            "started_at": "2026-01-01T00:00:00+00:00", "window_s": window_s, "streams": streams,
            "usage": {
                "server": {"processes": 1, "cpu_s": busy - sidecar, "peak_memory_bytes": 127 << 20},
                "sidecar": {"processes": int(sidecar > 0), "cpu_s": sidecar,
                            "peak_memory_bytes": 28 << 20 if sidecar else 0},
            },
            "loop_lag": self.pairs(np.full(200, 150 + cost_us * (cell["users"] or 0) / 2))
            if cell["section"] == "mixed" else None,
            "generator_cpu_s": 0.3 * window_s, "faults": [],
        }  # fmt: skip

    def stream(self, model, rate, count, typical_us):
        latency = self.pairs(typical_us * self.dice.lognormal(0, 0.4, count))
        open_ = model == "open"
        return {
            "model": model, "rate_rps": rate, "taken": count + 5, "completed": count,
            "latency": latency, "raw_latency": latency,
            "lag": self.pairs(self.dice.lognormal(2.5, 0.5, count)) if open_ else [],
            "max_in_flight": 3, "gave_up": 0,
        }  # fmt: skip

    @staticmethod
    def pairs(values_us):
        buckets = np.floor(np.log(np.maximum(values_us, 1)) / np.log(1.01)).astype(int)
        return [[int(k), n] for k, n in sorted(Counter(buckets.tolist()).items())]

    def result(self, **changed):
        result = {
            "schema": "hotpath.lab.result/2",
            "started_at": "2026-01-01T00:00:00+00:00", "finished_at": "2026-01-01T00:15:00+00:00",
            "complete": True, "interrupted": False,
            "settings": {
                "profile": "made-up", "scenarios": sorted({c["scenario"] for c in self.cells}),
                "variants": list(VARIANTS), "against": ["gateway"], "seed": 1, "pinned": None,
                "database": "sqlite",
                "price_per_vcpu_hour": {"amount": 0.04, "currency": "USD"},
            },
            "machine": {
                "cpu": "A CPU", "cores": 4, "usable_cores": 2, "memory_bytes": 2**33,
                "load_average": [0.1, 0.2, 0.3], "system": "Linux", "python": "CPython 3.11",
                "packages": {"locust": "2"},
            },
            "commit": {"hash": "0123456789abcdef", "dirty": False},
            "engines": {"engines": [
                {"name": n, "version": "0.1", "detail": "a build"} for n in ("python", "rust", "go")
            ]},
            "calibration": {
                "ceiling_rps": {"median": 9000.0, "low": 8800.0, "high": 9300.0, "blocks": 8},
                "cpu_us_per_request": 60.0, "users": 2, "blocks": 8,
            },
            "targets": self.targets, "work_us": WORK_US, "cells": self.cells,
            "blocks": self.blocks, "voids": {}, "summary": {}, "comparisons": [],
            "crossover": None, "verdicts": [],
        }  # fmt: skip
        return json.loads(json.dumps(result | changed))


def request_us(target, request_bytes, work_us):
    boundary, per_byte, per_work = COSTS[target]
    return boundary + per_byte * request_bytes + per_work * work_us


def sweep(maker):
    """The section `crossover`."""
    for target in ("python-inline", "rust-thread", "go-rpc"):
        for i, items in enumerate((1, 2, 4, 8, 16, 32, 64, 128)):
            for j, (work, per_item) in enumerate(WORK_US.items()):
                maker.cell("crossover", "matches", target,
                           request_us(target, 25 * items, per_item * items),
                           items=items, work=float(work),
                           request_bytes=25 * items, held_out=(i + 2 * j) % 4 == 1)  # fmt: skip


def swept(seed=1, rounds=8, noise=0.04):
    maker = Maker(seed, rounds, noise)
    for name in ("python-inline", "rust-thread", "go-rpc"):
        maker.target(name)
    sweep(maker)
    return maker.result()


def full(seed=1, rounds=8, noise=0.04):
    """All sections, as a standard run has them."""
    maker = Maker(seed, rounds, noise)
    for name in VARIANTS:
        maker.target(name)
    maker.target("rust-thread-twin", variant="rust-thread", twin_of="rust-thread")
    maker.target("gateway", kind="gateway")
    for scenario, items, work in (
        ("matches", 4, 280.0),
        ("validations", 64, 20.0),
        ("seals", 64, 8.0),
    ):
        for target in (*VARIANTS, "gateway"):
            size = 30 * items
            maker.cell("engines", scenario, target, request_us(target, size, work), items=items,
                       request_bytes=size)  # fmt: skip
    for scenario, cost in (("json", 380.0), ("db", 700.0), ("queries", 2100.0), ("rates", 2500.0)):
        maker.cell("io", scenario, "rust-thread", cost)
        maker.cell("io", scenario, "gateway", cost / {"json": 5, "db": 2.5}.get(scenario, 1.6))
    for rung, cost in LAYERS.items():
        for server in ("uvicorn", "granian"):
            name = f"{rung}-{server}"
            maker.target(name, variant="rust-thread", server=server, rung=rung)
            maker.cell("ladder", "json", name, cost * (0.8 if server == "granian" else 1.0))
    maker.cell("ladder", "json", "gateway", 76.0)
    for target in ("python-inline", "rust-thread", "go-rpc", "gateway"):
        cost = request_us(target, 120, 280.0)
        for share in (0.2, 0.4, 0.6, 0.8, 0.9, 0.95):
            rate = round(share * 1e6 / cost)
            maker.cell("load", "matches", target, cost, model="open", users=None,
                       rate_rps=float(rate), arrivals="poisson", items=4)  # fmt: skip
    for target in ("python-inline", "rust-thread", "go-rpc", "gateway"):
        for users in (0, 2):
            maker.cell("mixed", "mixed", target, request_us(target, 480, 1100.0),
                       users=users, io_rate_rps=100.0, items=16 if users else None)  # fmt: skip
    sweep(maker)
    for target in ("rust-thread", "rust-thread-twin"):
        maker.cell("twins", "matches", target, request_us("rust-thread", 120, 280.0), items=4)
    return maker.result()
