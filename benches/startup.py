#!/usr/bin/env python3
"""How long a command takes to start and what it holds: cdctl beside the AWS CLI, in one run.

    cargo build --release && python3 benches/startup.py [--aws PATH] [--runs N]

Wall time is the least of the runs, CPU their mean. Memory is the largest resident set as GNU time tells it (a
child of Python inherits Python's own mark). Both list the deployments of the same group on the sandbox.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def measure(command, runs, environment):
    """(least wall seconds, mean CPU seconds, largest resident set in KiB) of a command that must succeed."""
    walls, cpus = [], []
    for _ in range(runs):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        walls.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            sys.exit(f"{command} ended with {child.returncode}")
        cpus.append(usage.ru_utime + usage.ru_stime)
    timed = subprocess.run(["time", "-f", "%M", *command], env=environment, capture_output=True, text=True, check=True)
    return min(walls), sum(cpus) / len(cpus), int(timed.stderr.split()[-1])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cdctl", default=ROOT / "target/release/cdctl")
    options.add_argument("--aws", default=ROOT / "target/contract-venv/bin/aws")
    options.add_argument("--runs", type=int, default=20)
    options = options.parse_args()
    cdctl = str(options.cdctl)

    sandbox = subprocess.Popen([cdctl, "sandbox", "serve", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "AWS_ENDPOINT_URL": sandbox.stdout.readline().strip(),
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
    }
    subprocess.run([cdctl, "app", "create", "shop"], env=environment, check=True, capture_output=True)
    role = "arn:aws:iam::123456789012:role/CodeDeploy"
    group = [cdctl, "group", "create", "shop/prod", "--service-role", role]
    subprocess.run(group, env=environment, check=True, capture_output=True)
    try:
        rows = [
            ("cdctl --version", [cdctl, "--version"]),
            ("cdctl deploy list shop/prod", [cdctl, "deploy", "list", "shop/prod"]),
        ]
        if shutil.which(str(options.aws)):
            list_deployments = ["deploy", "list-deployments", "--application-name", "shop"]
            rows += [
                ("aws --version", [str(options.aws), "--version"]),
                ("aws deploy list-deployments", [str(options.aws), *list_deployments, "--deployment-group-name", "prod"]),
            ]
        print(f"{'command':<30} {'wall ms':>8} {'CPU ms':>8} {'MB':>6}   {options.runs} runs")
        for name, command in rows:
            wall, cpu, peak = measure(command, options.runs, environment)
            print(f"{name:<30} {wall * 1000:>8.1f} {cpu * 1000:>8.1f} {peak / 1024:>6.1f}")
        print(f"binary: {os.path.getsize(cdctl) / 1e6:.1f} MB")
    finally:
        sandbox.terminate()
        sandbox.wait()


main()
