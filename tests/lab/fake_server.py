"""A server with the routes that the lab loads and none of their work: it answers from a
file. Run as a program: fake_server.py PORT FILE MODE

FILE: {body: the hits of each of its names}.
MODE: sound; wrong (from the 30th answer on, a score is off by one bit); slow (0.3 s per
request, one at a time); broken (never starts); family (has a child that runs another
program, and one that runs its own); crash (ends at the 30th request, without its family).
"""

import json
import math
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

PORT, FILE, MODE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
if MODE == "broken":
    sys.exit("engine 'fake' is not installed; run: make fake")
with open(FILE) as file:
    ANSWERS = json.load(file)
answered = count(1)
one_at_a_time = threading.Lock()
FIXED = {
    "/health/ready": {},
    "/v1/engines": {"engines": [{"name": "fake", "version": "1", "detail": "no work"}]},
    "/bench/db": {"id": 7, "randomNumber": 10_000},
    "/bench/loop-lag": {"late": [[460, 3], [700, 1]]},
}

if MODE in ("family", "crash"):
    subprocess.Popen(["tail", "-f", FILE])
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", FILE])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(FIXED[self.path])

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path == "/bench/loop-lag":
            self.answer({})
            return
        number = next(answered)
        hits = json.loads(json.dumps(ANSWERS[body]))
        if MODE == "crash" and number >= 30:
            print("the fake server has had enough", flush=True)
            os._exit(7)
        if MODE == "wrong" and number >= 30:
            hits[0][0][1] = math.nextafter(hits[0][0][1], 0)
        if MODE == "slow":
            with one_at_a_time:
                time.sleep(0.3)
        results = [
            {"name": name, "hits": [{"row": row, "score": score} for row, score in found]}
            for name, found in zip(json.loads(body)["names"], hits, strict=True)
        ]
        self.answer({"results": results})

    def answer(self, document):
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("X-Engine", "fake")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
