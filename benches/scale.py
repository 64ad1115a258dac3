#!/usr/bin/env python3
"""How the sandbox carries its full size: 10,000 hosts in one deployment, 1,000 applications, 10,000 deployments in history.

    python3 -m venv target/moto-venv && target/moto-venv/bin/pip install boto3==1.44.5
    cargo build --release && target/moto-venv/bin/python benches/scale.py

Two sandboxes stand side by side, a small one (ten of each) and the full one, both filled through the API. The same calls
then go to both in turn, and the ratio is that of their medians. Bars: resident memory below 500 MB at its highest, no
call more than 1.5 times as slow. BatchGetDeploymentTargets asks for ten targets in both; a page of
ListDeploymentTargets has ten of them and a hundred. Ends with 1 where a bar is missed.
"""

import argparse
import concurrent.futures
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION, KEY, MEMORY, SLOWER = "us-east-1", "sandbox", 500, 1.5
ROLE = "arn:aws:iam::123456789012:role/CodeDeploy"
FLEET = """\
buckets: [{{name: releases}}]
instance_quota: 10000
git_hub_accounts: [me]
generate:
- {{count: {hosts}, kind: simulated, tags: {{Role: web}}}}
- {{count: 1, kind: simulated, tags: {{Role: one}}}}
"""
BUNDLE = {"revisionType": "GitHub", "gitHubLocation": {"repository": "me/site", "commitId": "0" * 40}}


class Sandbox:
    def __init__(self, cdctl, hosts, folder):
        fleet = pathlib.Path(folder, f"{hosts}.yaml")
        fleet.write_text(FLEET.format(hosts=hosts))
        command = [cdctl, "sandbox", "serve", "--listen", "127.0.0.1:0", "--speed", "2000", "--fleet", fleet]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.host = self.process.stdout.readline().strip().removeprefix("http://")

    def connect(self):
        return http.client.HTTPConnection(self.host)

    def signed(self, operation, **arguments):
        headers = {"X-Amz-Target": f"CodeDeploy_20141006.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        body = json.dumps(arguments)
        request = AWSRequest("POST", f"http://{self.host}/", data=body, headers=headers)
        SigV4Auth(Credentials(KEY, KEY), "codedeploy", REGION).add_auth(request)
        return body, dict(request.headers.items())

    def call(self, connection, operation, **arguments):
        body, headers = self.signed(operation, **arguments)
        return send(connection, body, headers)

    def memory(self):
        """MB resident at the highest."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024


def send(connection, body, headers):
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f"{headers['X-Amz-Target']} was refused: {text.decode()}")
    return json.loads(text or "null")


def wait(sandbox, connection, deployment):
    while True:
        info = sandbox.call(connection, "GetDeployment", deploymentId=deployment)["deploymentInfo"]
        if "completeTime" in info:
            return info
        time.sleep(0.002)


def fill(sandbox, size, workers):
    """Applications with a group each, and a history that goes round them; gives the deployment on every host."""

    def group(connection, application, name, tag, config):
        sandbox.call(
            connection,
            "CreateDeploymentGroup",
            applicationName=application,
            deploymentGroupName=name,
            serviceRoleArn=ROLE,
            deploymentConfigName=f"CodeDeployDefault.{config}",
            ec2TagFilters=[{"Key": "Role", "Value": tag, "Type": "KEY_AND_VALUE"}],
        )

    def deploy(connection, application, name):
        of = {"applicationName": application, "deploymentGroupName": name}
        return sandbox.call(connection, "CreateDeployment", **of, revision=BUNDLE)["deploymentId"]

    def fleet_of(worker):
        connection = sandbox.connect()
        names = [f"app-{n:04}" for n in range(worker, size["applications"], workers)]
        for name in names:
            sandbox.call(connection, "CreateApplication", applicationName=name)
            group(connection, name, "one", "one", "OneAtATime")
        running = {}
        for n in range(worker, size["history"], workers):
            name = names[n // workers % len(names)]
            if name in running:
                wait(sandbox, connection, running.pop(name))
            running[name] = deploy(connection, name, "one")
        for deployment in running.values():
            wait(sandbox, connection, deployment)

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(fleet_of, range(workers)))
    connection = sandbox.connect()
    group(connection, "app-0000", "all", "web", "AllAtOnce")
    big = deploy(connection, "app-0000", "all")
    info = wait(sandbox, connection, big)
    assert sum(info["deploymentOverview"].values()) == size["hosts"], info
    return big


def questions(sandbox, deployment):
    connection = sandbox.connect()
    ids = sandbox.call(connection, "ListDeploymentTargets", deploymentId=deployment)["targetIds"][:10]
    of = {"deploymentId": deployment}
    return connection, {
        "GetDeployment": sandbox.signed("GetDeployment", **of),
        "BatchGetDeploymentTargets": sandbox.signed("BatchGetDeploymentTargets", **of, targetIds=ids),
        "ListDeploymentTargets": sandbox.signed("ListDeploymentTargets", **of),
    }


def seconds(connection, question):
    start = time.perf_counter()
    send(connection, *question)
    return time.perf_counter() - start


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cdctl", default=ROOT / "target/release/cdctl")
    options.add_argument("--hosts", type=int, default=10_000)
    options.add_argument("--applications", type=int, default=1_000)
    options.add_argument("--history", type=int, default=10_000)
    options.add_argument("--calls", type=int, default=2_000)
    options = options.parse_args()
    full = {"hosts": options.hosts, "applications": options.applications, "history": options.history}
    missed = False
    with tempfile.TemporaryDirectory() as folder:
        sandboxes = []
        try:
            filled = []
            for size in (dict.fromkeys(full, 10), full):
                sandbox = Sandbox(options.cdctl, size["hosts"], folder)
                sandboxes.append(sandbox)
                start = time.perf_counter()
                deployment = fill(sandbox, size, workers=min(8, size["applications"]))
                took = time.perf_counter() - start
                missed |= sandbox.memory() >= MEMORY
                print(f"{size}: filled in {took:.0f} s, {sandbox.memory():.0f} MB resident at its highest", flush=True)
                filled.append((sandbox, deployment))
            # Connections made now: the sandbox closes what says nothing for half a minute.
            asked = [questions(*each) for each in filled]
            (small, asked_small), (big, asked_big) = asked
            print(f"{'median of one call':<26} {'ten':>8} {'full':>8} {'ratio':>6}")
            for operation, question in asked_small.items():
                pairs = [(seconds(small, question), seconds(big, asked_big[operation])) for _ in range(options.calls)]
                ten, all_of_it = (1e6 * statistics.median(column) for column in zip(*pairs))
                missed |= all_of_it > SLOWER * ten
                print(f"{operation:<26} {ten:>5.0f} us {all_of_it:>5.0f} us {all_of_it / ten:>5.2f}x")
        finally:
            for sandbox in sandboxes:
                sandbox.process.terminate()
                sandbox.process.wait()
    sys.exit(1 if missed else 0)


main()
