#!/usr/bin/env python3
"""What watching a deployment costs: cdctl's live view beside the AWS CLI's waiter and a loop over its batch call.

    apt-get install time
    python3 -m venv target/contract-venv && target/contract-venv/bin/pip install awscli
    cargo build --release && python3 benches/watch.py [--targets 200,10000]

The sandbox runs a deployment on simulated hosts, HalfAtATime, all of which succeed. All watch the same deployment at the
same time, each through a door of its own to the sandbox that counts calls and reads what the answers tell. cdctl draws
on a pseudo-terminal of 100x30 with what is its default away from this machine: a look every 5 s, 30 calls a minute; and
once more with 600, so that nearly every host is read before the end. CPU and memory are the process's and its children's, as GNU time tells.

A second deployment has one host that fails: counted are cdctl's looks from the service's time of that failure until its
line stands on the terminal. At the default interval one look is one tick.

The least possible calls are one GetDeployment a look, each id that was told listed once in pages of 100, and each host that
was seen finished described once, 25 a call. A frame is the CPU of a replay of 10,000 hosts at work that draws 200 of
them, less that of one which draws only the last. Ends with 1 where a bar is missed.
"""

import argparse
import contextlib
import datetime
import http.client
import http.server
import json
import os
import pathlib
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from fcntl import ioctl

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEAST, BUDGET, ROOMY, CPU, MEMORY, FRAME, LOOKS = 1.25, 30, 600, 1.0, 60.0, 5.0, 1
FRAMES, REPLAYED = 200, 10_000
HOSTS = """
buckets: [{{name: releases}}]
generate: [{{count: {count}, tags: {{Role: web}}}}]
"""
# What people write without cdctl: every id, then every target by 25, until the deployment is over. Ten thousand take it
# longer than that: ^C ends it then.
LOOP = """
trap 'exit 0' INT
while :; do
  status=$("$AWS" deploy get-deployment --deployment-id "$1" --query deploymentInfo.status --output text)
  "$AWS" deploy list-deployment-targets --deployment-id "$1" --query targetIds --output text | tr '\\t' '\\n' |
    xargs -r -n 25 "$AWS" deploy batch-get-deployment-targets --deployment-id "$1" --output json --target-ids >/dev/null
  case $status in Succeeded|Failed|Stopped) exit 0 ;; esac
  sleep 5
done
"""


class Door(http.server.BaseHTTPRequestHandler):
    """Hands calls on to the sandbox as they are."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        onward = http.client.HTTPConnection(self.server.onward)
        onward.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection":
                onward.putheader(name, value)
        onward.endheaders(body)
        answer = onward.getresponse()
        said = answer.read()
        self.server.count(self.headers.get("X-Amz-Target", self.path), said)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
        onward.close()

    def log_message(self, *_):
        pass


class Ledger(http.server.ThreadingHTTPServer):
    """The calls of one watcher, and what it was told."""

    daemon_threads = True

    def __init__(self, onward):
        super().__init__(("127.0.0.1", 0), Door)
        self.onward, self.calls, self.lock = onward, [], threading.Lock()
        self.listed, self.finished = set(), set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def count(self, target, said):
        operation = target.rsplit(".", 1)[-1].rsplit("/", 1)[-1]
        with self.lock:
            self.calls.append((time.time(), operation))
            told = json.loads(said or b"{}")
            self.listed.update(told.get("targetIds") or [])
            for one in told.get("deploymentTargets") or []:
                host = one["instanceTarget"]
                if host["status"] in ("Succeeded", "Failed", "Skipped"):
                    self.finished.add(host["targetId"])

    def least(self):
        ticks = sum(operation == "GetDeployment" for _, operation in self.calls)
        return ticks + -(-len(self.listed) // 100) + -(-len(self.finished) // 25)

    def busiest_minute(self):
        times = sorted(at for at, _ in self.calls)
        return max((sum(at <= other < at + 60 for other in times) for at in times), default=0)


def environment(address):
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "AWS_ENDPOINT_URL": f"http://{address}",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }


class Watcher:
    """A watching command on a terminal, and what it used."""

    def __init__(self, command, environment, awaited=b""):
        # When it showed what is awaited.
        self.awaited, self.shown = awaited, None
        self.usage = tempfile.NamedTemporaryFile("r")
        master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        timed = ["time", "-q", "-f", "%U %S %M %e", "-o", self.usage.name, *map(str, command)]
        streams = {"stdin": slave, "stdout": slave, "stderr": slave}
        self.process = subprocess.Popen(timed, env=environment, start_new_session=True, **streams)
        os.close(slave)
        self.said = b""
        self.reader = threading.Thread(target=self.read, args=(master,), daemon=True)
        self.reader.start()

    def read(self, master):
        try:
            while piece := os.read(master, 65536):
                self.said = (self.said + piece)[-4000:]
                if self.awaited and self.shown is None and self.awaited in self.said:
                    self.shown = time.time()
        except OSError:
            pass
        os.close(master)

    def end(self):
        """(CPU seconds, MB at most, wall seconds)"""
        if self.process.wait() != 0:
            sys.exit(f"a watcher ended with {self.process.returncode}:\n{self.said.decode(errors='replace')}")
        user, system, peak, wall = map(float, self.usage.read().split())
        return user + system, peak / 1024, wall


@contextlib.contextmanager
def deployed(options, count, *fault):
    """A sandbox with a deployment to `count` hosts that has just begun: its address, the deployment, a way to call cdctl."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as fleet:
        fleet.write(HOSTS.format(count=count))
        fleet.flush()
        serve = [options.cdctl, "sandbox", "serve", "--listen", "127.0.0.1:0", "--fleet", fleet.name, "--speed", str(options.speed)]
        sandbox = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        address = sandbox.stdout.readline().strip().removeprefix("http://")
    try:
        def cdctl(*arguments):
            done = subprocess.run([options.cdctl, *arguments], env=environment(address), capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"cdctl {' '.join(arguments)}:\n{done.stderr}")
            return done.stdout.strip()

        cdctl("app", "create", "shop")
        role = "arn:aws:iam::123456789012:role/CodeDeploy"
        config = "CodeDeployDefault.HalfAtATime"
        cdctl("group", "create", "shop/prod", "--ec2-tag", "Role=web", "--config", config, "--service-role", role)
        cdctl("revision", "push", str(ROOT / "examples/site"), "s3://releases/site-1.zip", "--app", "shop")
        if fault:
            cdctl("sandbox", "fault", "add", *fault)
        yield address, cdctl("deploy", "create", "shop/prod", "--revision", "s3://releases/site-1.zip"), cdctl
    finally:
        sandbox.terminate()
        sandbox.wait()


def looks_until_shown(options, count):
    """(cdctl's looks between a first failure among `count` hosts and its line on the screen, the seconds between)"""
    with deployed(options, count, "fail", "--event", "AfterInstall", "--times", "1") as (address, made, cdctl):
        door = Ledger(address)
        watch = [options.cdctl, "deploy", "watch", made, "--interval", "5s", "--max-calls-per-minute", str(BUDGET)]
        # A user's ^C is what ends it here.
        watch = ["sh", "-c", 'trap : INT; "$@"; test $? = 130', "watch", *map(str, watch)]
        watcher = Watcher(watch, environment(f"127.0.0.1:{door.server_port}"), b"FAILED ")
        while watcher.shown is None and watcher.process.poll() is None:
            time.sleep(0.05)
        os.killpg(watcher.process.pid, signal.SIGINT)
        watcher.end()
        targets = json.loads(cdctl("deploy", "targets", made, "--status", "Failed", "-o", "json"))
        events = targets["deploymentTargets"][0]["instanceTarget"]["lifecycleEvents"]
        failed = next(event["endTime"] for event in events if event["status"] == "Failed")
        if isinstance(failed, str):
            failed = datetime.datetime.fromisoformat(failed).timestamp()
        looks = sum(operation == "GetDeployment" and failed < at <= watcher.shown for at, operation in door.calls)
        return looks, watcher.shown - failed


def run(options, count):
    """Rows of a deployment to `count` hosts, watched by all."""
    with deployed(options, count) as (address, made, _):
        watch = [options.cdctl, "deploy", "watch", made, "--interval", "5s", "--max-calls-per-minute"]
        waiter = [options.aws, "deploy", "wait", "deployment-successful", "--deployment-id", made]
        commands = {
            "cdctl deploy watch": [*watch, str(BUDGET)],
            f"cdctl, {ROOMY} calls a minute": [*watch, str(ROOMY)],
            "aws deploy wait": waiter,
            "aws, a loop": ["sh", "-c", LOOP, "loop", made],
        }
        watchers = []
        for name, command in commands.items():
            door = Ledger(address)
            around = environment(f"127.0.0.1:{door.server_port}") | {"AWS": str(options.aws)}
            watchers.append((name, door, Watcher(command, around)))
        ended = [(name, door, *watcher.end()) for name, door, watcher in watchers[:-1]]
        name, door, loop = watchers[-1]
        if loop.process.poll() is None:
            os.killpg(loop.process.pid, signal.SIGINT)
        return [*ended, (name, door, *loop.end())]


def recording(path):
    """A deployment to hosts that are all at work, for as many seconds as there are frames."""
    def at(second):
        return f"2026-08-25T14:{second // 60:02}:{second % 60:02}.000Z"

    with open(path, "w") as file:
        def put(sequence, second, what, **members):
            head = {"v": 1, "seq": sequence, "ts": at(second), "type": what, "deployment": "d-7F3K2QX9A"}
            file.write(json.dumps(head | members) + "\n")

        def deployment(sequence, second, done):
            counts = {"ok": done, "run": REPLAYED - done, "pend": 0, "fail": 0, "skip": 0, "ready": 0}
            started = {"create_time": at(0), "start_time": at(0), "complete_time": None}
            put(sequence, second, "deployment", status="InProgress", overview=counts, **started)

        deployment(0, 0, 0)
        for number in range(REPLAYED):
            event = ("ApplicationStop", "Install", "ValidateService")[number % 3]
            times = {"since": at(number % 50), "began": at(0), "time": at(number % 50)}
            state = {"status": "InProgress", "event": event, "event_status": "InProgress"}
            put(number + 1, 0, "target", id=f"i-{number:017x}", kind="instance", **state, **times)
        for second in range(1, FRAMES + 1):
            deployment(REPLAYED + second, second, second)


def frame(options):
    """Milliseconds of CPU that a frame takes."""
    with tempfile.NamedTemporaryFile(suffix=".ndjson") as file:
        recording(file.name)
        replay = ["sh", "-c", '"$@"; test $? = 9', "replay", options.cdctl, "deploy", "watch", "--replay", file.name]
        around = environment("127.0.0.1:9")
        once, _, _ = Watcher(replay, around).end()
        # Ten seconds of the recording a second: each of the replay's ticks is a second later and draws.
        all_of_them, _, _ = Watcher([*replay, "--speed", "10"], around).end()
    return (all_of_them - once) / FRAMES * 1000


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cdctl", default=ROOT / "target/release/cdctl")
    options.add_argument("--aws", default=ROOT / "target/contract-venv/bin/aws")
    options.add_argument("--targets", default="200,10000")
    options.add_argument("--speed", type=int, default=1)
    options = options.parse_args()
    bars = []
    print(f"{'targets':>7} {'':<26} {'calls':>6} {'least':>6} {'a minute':>8} {'CPU s':>7} {'of a core':>9} {'MB':>6}")
    for count in map(int, options.targets.split(",")):
        for name, door, cpu, memory, wall in run(options, count):
            calls, least, busiest, share = len(door.calls), door.least(), door.busiest_minute(), cpu / wall * 100
            row = f"{calls:>6} {least:>6} {busiest:>8} {cpu:>7.2f} {share:>7.2f} % {memory:>6.1f}"
            print(f"{count:>7} {name:<26} {row}", flush=True)
            if not name.startswith("cdctl") or count < 1_000:
                continue
            bars.append((f"{name}: memory in MB", memory, MEMORY))
            budget = ROOMY if str(ROOMY) in name else BUDGET
            bars.append((f"{name}: times the least calls", calls / least, LEAST))
            bars.append((f"{name}: calls in a minute", busiest, budget))
            if budget == BUDGET:
                bars.append((f"{name}: % of a core", share, CPU))
        looks, delay = looks_until_shown(options, count)
        print(f"{count:>7} a first failure stands on the screen after {delay:.1f} s", flush=True)
        bars.append((f"{count:,} targets: looks until a first failure is shown", looks, LOOKS))
    bars.append((f"CPU of a frame of {REPLAYED:,} in ms", frame(options), FRAME))
    print()
    for what, seen, bar in bars:
        print(f"{what:<52} {seen:>7.2f}  at most {bar:<6} {'ok' if seen <= bar else 'MISSED'}")
    sys.exit(any(seen > bar for _, seen, bar in bars))


main()
