#!/usr/bin/env python3
"""How many calls a second the sandbox answers on one core, beside moto's server, in one run. The bar is 20 times.

    apt-get install wrk
    python3 -m venv target/moto-venv && target/moto-venv/bin/pip install 'moto[server]==5.2.5' boto3==1.44.5
    cargo build --release && target/moto-venv/bin/python benches/server.py

Each server in turn has core 0 to itself, and wrk, the public load tool, core 1. Both hold ten applications and one
deployment; both are sent the same signed calls. The ratio is that of calls a second of the server's own CPU time, which
on a quiet machine are the calls a second that wrk counts: other work on the machine does not disturb it. Ends with 1
where the bar is missed.
"""

import argparse
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION, KEY, BAR = "us-east-1", "sandbox", 20
FLEET = "generate: [{count: 3, tags: {Role: web}}]\n"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(command):
    """The server on core 0."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["taskset", "-c", "0", *command], **quiet, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on port {port}")


def fill(url):
    """Ten applications and a deployment; gives its id."""
    client = boto3.client("codedeploy", endpoint_url=url, region_name=REGION, aws_access_key_id=KEY, aws_secret_access_key=KEY)
    for number in range(10):
        client.create_application(applicationName=f"app-{number}")
    group = {"applicationName": "app-0", "deploymentGroupName": "prod"}
    tags = [{"Key": "Role", "Value": "web", "Type": "KEY_AND_VALUE"}]
    client.create_deployment_group(**group, serviceRoleArn="arn:aws:iam::123456789012:role/CodeDeploy", ec2TagFilters=tags)
    bundle = {"bucket": "releases", "key": "site.zip", "bundleType": "zip"}
    revision = {"revisionType": "S3", "s3Location": bundle}
    created = client.create_deployment(**group, revision=revision)["deploymentId"]
    assert client.get_deployment(deploymentId=created)["deploymentInfo"]["deploymentId"] == created
    time.sleep(1.5)
    return created


def script(url, operation, body):
    """What wrk sends: one call, signed once."""
    headers = {"X-Amz-Target": f"CodeDeploy_20141006.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    request = AWSRequest("POST", url + "/", data=body, headers=headers)
    SigV4Auth(Credentials(KEY, KEY), "codedeploy", REGION).add_auth(request)
    lines = ['wrk.method = "POST"', f"wrk.body = [[{body}]]"]
    lines += [f'wrk.headers["{name}"] = [[{value}]]' for name, value in request.headers.items()]
    return "\n".join(lines) + "\n"


def cpu_seconds(process):
    """What a process has used, its threads together."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(server, url, operation, body, options):
    """Calls a second of wall time and of the server's CPU time."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script(url, operation, body))
        file.flush()
        wrk = ["taskset", "-c", "1", options.wrk, "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "-s", file.name, url + "/"]
        before = cpu_seconds(server)
        said = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(f"{operation} at {url} was refused:\n{said}")
    wall = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    calls = int(re.search(r"(\d+) requests in", said).group(1))
    return wall, calls / (cpu_seconds(server) - before)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--cdctl", default=ROOT / "target/release/cdctl")
    options.add_argument("--moto", default=pathlib.Path(sys.executable).parent / "moto_server")
    options.add_argument("--wrk", default="wrk")
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--connections", type=int, default=64)
    options = options.parse_args()
    rates = {}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as fleet:
        fleet.write(FLEET)
        fleet.flush()
        sandbox, moto = free_port(), free_port()
        servers = {
            "cdctl": (sandbox, [str(options.cdctl), "sandbox", "serve", "--listen", f"127.0.0.1:{sandbox}", "--fleet", fleet.name]),
            "moto": (moto, [sys.executable, str(options.moto), "-H", "127.0.0.1", "-p", str(moto)]),
        }
        for name, (port, command) in servers.items():
            server = start(command)
            try:
                wait_for(port)
                url = f"http://127.0.0.1:{port}"
                deployment = fill(url)
                calls = {"ListApplications": "{}", "GetDeployment": f'{{"deploymentId":"{deployment}"}}'}
                rates[name] = {operation: load(server, url, operation, body, options) for operation, body in calls.items()}
            finally:
                server.terminate()
                server.wait()
    missed = False
    print(f"{'calls a second':<18} {'cdctl':>9} {'moto':>7} | {'of CPU: cdctl':>13} {'moto':>7} {'ratio':>7}")
    for operation, (wall, ours) in rates["cdctl"].items():
        moto_wall, theirs = rates["moto"][operation]
        missed |= ours < BAR * theirs
        print(f"{operation:<18} {wall:>9,.0f} {moto_wall:>7,.0f} | {ours:>13,.0f} {theirs:>7,.0f} {ours / theirs:>6.1f}x")
    sys.exit(1 if missed else 0)


main()
