#!/usr/bin/env python3
"""Records the timelines beside it from `cdctl sandbox serve`: tests/timelines/record.py target/release/cdctl [NAME...]

A timeline is what the API answers while a deployment runs, a frame each moment. Its members:
once    answers that stay as they are, by operation
watch   the deployment that is watched; its rollback is recorded with it
frames  `date`, the answer's Date; and what has changed since the frame before, by id: `deployments` (deploymentInfo),
        and `targets` of each deployment. One frame a line.
Needs nothing but python3. Snapshots follow with `SNAPSHOTS=overwrite cargo test --test cdctl timelines`.
"""

import datetime
import email.utils
import hashlib
import hmac
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).parent
SITE = HERE.parent.parent / "examples" / "site"
ROLE = "arn:aws:iam::123456789012:role/CodeDeploy"
ENDED = ("Succeeded", "Failed", "Stopped")
# Between two frames, and how fast the sandbox runs: four seconds of its clock a frame.
PAUSE = 0.1
SPEED = 38


class Sandbox:
    def __init__(self, cdctl, fleet):
        self.cdctl, self.folder = cdctl, tempfile.TemporaryDirectory()
        file = pathlib.Path(self.folder.name, "fleet.yaml")
        file.write_text(fleet)
        command = [cdctl, "sandbox", "serve", "--listen", "127.0.0.1:0", "--seed", "1"]
        command += ["--speed", str(SPEED), "--fleet", str(file)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = re.search(r"http://[\w.:]+", self.process.stdout.readline()).group()

    def run(self, *line):
        """Runs cdctl on it; gives the first line of its stdout."""
        variables = {
            "PATH": os.environ["PATH"], "HOME": self.folder.name, "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox",
        }
        done = subprocess.run([self.cdctl, *line], env=variables, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{line}: {done.stderr}")
        return done.stdout.partition("\n")[0]

    def file(self, name, text):
        path = pathlib.Path(self.folder.name, name)
        path.write_text(text)
        return str(path)

    def call(self, operation, **members):
        """An operation of CodeDeploy, signed (SigV4) with the sandbox's one pair of keys; its answer and its Date."""
        body = json.dumps(members).encode()
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {
            "content-type": "application/x-amz-json-1.1", "host": self.url.removeprefix("http://"),
            "x-amz-date": now, "x-amz-target": f"CodeDeploy_20141006.{operation}",
        }
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        parts = [now[:8], "us-east-1", "codedeploy", "aws4_request"]
        text = f"AWS4-HMAC-SHA256\n{now}\n{'/'.join(parts)}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = b"AWS4sandbox"
        for part in [*parts, text]:
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=sandbox/{'/'.join(parts)}, SignedHeaders={names}, Signature={key.hex()}"
        )
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url, body, headers)) as answer:
                return json.load(answer), answer.headers["Date"]
        except urllib.error.HTTPError as error:
            refused = json.load(error)
            if "DeploymentNotStarted" in refused.get("__type", ""):
                return {}, error.headers["Date"]
            sys.exit(f"{operation}: {refused}")

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def recorded(sandbox, id, act):
    """The timeline of deployment `id`; `act` may do something about what each frame shows."""
    first, _ = sandbox.call("GetDeployment", deploymentId=id)
    info = first["deploymentInfo"]
    group = {"applicationName": info["applicationName"], "deploymentGroupName": info["deploymentGroupName"]}
    once = {
        "GetApplication": sandbox.call("GetApplication", applicationName=info["applicationName"])[0],
        "GetDeploymentGroup": sandbox.call("GetDeploymentGroup", **group)[0],
        "GetDeploymentConfig": sandbox.call("GetDeploymentConfig", deploymentConfigName=info["deploymentConfigName"])[0],
    }
    followed, known, frames, over = [id], {}, [], 0
    while over < 2:
        frame, states = {}, []
        for each in followed:
            answer, date = sandbox.call("GetDeployment", deploymentId=each)
            frame.setdefault("date", date)
            info = answer["deploymentInfo"]
            states.append(info["status"])
            changed(known, frame, ("deployments", each), info)
            rollback = info.get("rollbackInfo", {}).get("rollbackDeploymentId")
            if rollback and rollback not in followed:
                followed.append(rollback)
            ids = sandbox.call("ListDeploymentTargets", deploymentId=each)[0].get("targetIds", [])
            if ids:
                targets, _ = sandbox.call("BatchGetDeploymentTargets", deploymentId=each, targetIds=ids)
                for target in targets["deploymentTargets"]:
                    members = next(value for value in target.values() if isinstance(value, dict))
                    changed(known, frame, ("targets", each, members["targetId"]), target)
        frames.append(frame)
        act(states[0])
        over += all(state in ENDED for state in states)
        time.sleep(PAUSE)
    return {"watch": id, "once": once, "frames": thinned(frames)}


def thinned(frames):
    """The frames with something new, and of those between them the last two: two that agree are what moves the watch's
    clock on by more than five seconds. So each change is observed at its frame's time, however slow the machine is."""
    new = [len(frame) > 1 for frame in frames]
    for at in (at for at in range(1, len(frames)) if new[at]):
        before, after = (email.utils.parsedate_to_datetime(frames[each]["date"]) for each in (at - 1, at))
        if not 0 < (after - before).seconds <= 5:
            sys.exit(f"{before} and {after} are too far apart: this machine is too busy, try again")
    return [frame for at, frame in enumerate(frames) if any(new[at : at + 3]) or at + 1 == len(frames)]


def changed(known, frame, path, value):
    """Puts `value` into the frame where it is another than before."""
    if known.get(path) != value:
        known[path] = value
        for name in path[:-1]:
            frame = frame.setdefault(name, {})
        frame[path[-1]] = value


def in_place(sandbox):
    sandbox.run("app", "create", "shop")
    sandbox.run(
        "group", "create", "shop/prod", "--service-role", ROLE, "--ec2-tag", "Role=web",
        "--config", "CodeDeployDefault.HalfAtATime", "--auto-rollback", "failure",
    )
    for name in ("site-1", "site-2"):
        sandbox.run("revision", "push", str(SITE), f"s3://releases/{name}.zip", "--app", "shop")
    good = sandbox.run("deploy", "create", "shop/prod", "--revision", "s3://releases/site-1.zip")
    sandbox.run("deploy", "wait", good)
    sandbox.run(
        "sandbox", "fault", "add", "fail", "--event", "ApplicationStart", "--times", "2",
        "--script", "scripts/start.sh", "--log", "port 80 is taken",
    )
    return sandbox.run("deploy", "create", "shop/prod", "--revision", "s3://releases/site-2.zip")


def blue_green(sandbox):
    sandbox.run("app", "create", "shop")
    sandbox.run(
        "group", "create", "shop/prod", "--service-role", ROLE, "--ec2-tag", "Role=web", "--style", "blue-green",
        "--traffic-control", "on", "--target-group", "web", "--green-fleet", "discover", "--when-ready", "60",
        "--terminate-blue", "5", "--config", "CodeDeployDefault.AllAtOnce",
    )
    sandbox.run("revision", "push", str(SITE), "s3://releases/site-1.zip", "--app", "shop")
    return sandbox.run(
        "deploy", "create", "shop/prod", "--revision", "s3://releases/site-1.zip", "--target-tag", "Role=new",
    )


def lambda_canary(sandbox):
    sandbox.run("app", "create", "checkout", "--platform", "lambda")
    sandbox.run(
        "group", "create", "checkout/live", "--service-role", ROLE,
        "--config", "CodeDeployDefault.LambdaCanary10Percent5Minutes",
    )
    appspec = sandbox.file("appspec.yml", """\
version: 0.0
Resources:
- checkout:
    Type: AWS::Lambda::Function
    Properties: {Name: checkout, Alias: live, CurrentVersion: "1", TargetVersion: "2"}
Hooks:
- BeforeAllowTraffic: verify
- AfterAllowTraffic: verify
""")
    return sandbox.run("deploy", "create", "checkout/live", "--revision", f"appspec:{appspec}")


def ecs(sandbox):
    sandbox.run("app", "create", "web", "--platform", "ecs")
    listener = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/x/1/"
    sandbox.run(
        "group", "create", "web/prod", "--service-role", ROLE, "--ecs-service", "shop/web",
        "--target-group-pair", "tg-1,tg-2", "--listener", listener + "2", "--test-listener", listener + "3",
        "--when-ready", "continue", "--terminate-blue", "5", "--config", "CodeDeployDefault.ECSCanary10Percent5Minutes",
    )
    appspec = sandbox.file("appspec.yml", """\
version: 0.0
Resources:
- TargetService:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: arn:aws:ecs:us-east-1:123456789012:task-definition/web:7
      LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}
Hooks:
- AfterAllowTestTraffic: verify
""")
    return sandbox.run("deploy", "create", "web/prod", "--revision", f"appspec:{appspec}")


HOSTS = "buckets: [{name: releases, versioning: true}]\ngenerate:\n- {count: %d, zones: [a, b], tags: {Role: web}}\n"
FUNCTIONS = "functions:\n- {name: checkout, versions: ['1', '2'], aliases: {live: '1'}}\n- {name: verify, hook: {succeeds: 20}}\n"
SERVICES = "services: [{cluster: shop, name: web, tasks: 2}]\nfunctions: [{name: verify, hook: {succeeds: 20}}]\n"
# How it begins, and what there is.
TIMELINES = {
    "in_place": (in_place, HOSTS % 4),
    "blue_green": (blue_green, HOSTS % 2 + "- {count: 2, zones: [a, b], tags: {Role: new}}\n"),
    "lambda_canary": (lambda_canary, FUNCTIONS),
    "ecs": (ecs, SERVICES),
}


def main(cdctl, names):
    for name in names or TIMELINES:
        begin, fleet = TIMELINES[name]
        sandbox = Sandbox(cdctl, fleet)
        try:
            id, ready = begin(sandbox), 0

            def act(status):
                """Whoever decides about the traffic takes three frames for that."""
                nonlocal ready
                ready += status == "Ready"
                if status == "Ready" and ready == 3 and name == "blue_green":
                    sandbox.run("deploy", "continue", id)

            timeline = recorded(sandbox, id, act)
        finally:
            sandbox.end()
        frames = [json.dumps(frame) for frame in timeline.pop("frames")]
        text = json.dumps(timeline)[:-1] + ', "frames": [\n' + ",\n".join(frames) + "\n]}\n"
        (HERE / f"{name}.json").write_text(text)
        print(name, len(frames), "frames")


main(str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:])
