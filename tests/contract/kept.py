"""Something of every kind is made (`make`), everything that can be read is printed as JSON (`read`), and an upload that
was begun by `make` is completed (`complete`).

`read` starts from the lists, so that it finds what is there and not what somebody remembers. What the sandbox cannot
list, `make` prints for it.
"""

import json
import sys

import boto3
import botocore.model
import contract

codedeploy = contract.client()
botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS.append("rest-xml")
s3 = boto3.client("s3", config=boto3.session.Config(s3={"addressing_style": "path"}))
role = "arn:aws:iam::123456789012:role/CodeDeploy"
location = {"bucket": "releases", "key": "site.zip", "bundleType": "zip"}
revision = {"revisionType": "S3", "s3Location": location}
appspec = """\
version: 0.0
Resources:
- checkout: {Type: AWS::Lambda::Function, Properties: {Name: checkout, Alias: live, CurrentVersion: "1", TargetVersion: "2"}}
"""


def make():
    tags = [{"Key": "team", "Value": "web"}]
    for name, platform in (("shop", "Server"), ("fn", "Lambda"), ("web", "ECS")):
        codedeploy.create_application(applicationName=name, computePlatform=platform, tags=tags)
    codedeploy.create_application(applicationName="old")
    codedeploy.update_application(applicationName="old", newApplicationName="new")
    codedeploy.create_application(applicationName="gone")
    codedeploy.delete_application(applicationName="gone")
    zones = {"monitorDurationInSeconds": 1, "minimumHealthyHostsPerZone": {"type": "HOST_COUNT", "value": 1}}
    healthy = {"type": "HOST_COUNT", "value": 1}
    codedeploy.create_deployment_config(deploymentConfigName="z", minimumHealthyHosts=healthy, zonalConfig=zones)
    canary = {"type": "TimeBasedCanary", "timeBasedCanary": {"canaryPercentage": 10, "canaryInterval": 1}}
    codedeploy.create_deployment_config(deploymentConfigName="c", computePlatform="Lambda", trafficRoutingConfig=canary)
    codedeploy.create_deployment_group(
        applicationName="shop",
        deploymentGroupName="prod",
        serviceRoleArn=role,
        deploymentConfigName="CodeDeployDefault.AllAtOnce",
        ec2TagSet={"ec2TagSetList": [[{"Type": "KEY_AND_VALUE", "Key": "Role", "Value": "web"}]]},
        onPremisesInstanceTagFilters=[{"Type": "KEY_ONLY", "Key": "Rack"}],
        triggerConfigurations=[
            {
                "triggerName": "t",
                "triggerTargetArn": "arn:aws:sns:eu-west-1:123456789012:t",
                "triggerEvents": ["DeploymentFailure"],
            }
        ],
        alarmConfiguration={"enabled": True, "ignorePollAlarmFailure": True, "alarms": [{"name": "a"}]},
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]},
        outdatedInstancesStrategy="IGNORE",
        tags=tags,
    )
    codedeploy.create_deployment_group(
        applicationName="fn",
        deploymentGroupName="live",
        serviceRoleArn=role,
        deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
        deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    )
    for number in (1, 2):
        arn = f"arn:aws:iam::123456789012:user/rack-{number}"
        codedeploy.register_on_premises_instance(instanceName=f"rack-{number}", iamUserArn=arn)
    racks = ["rack-1", "rack-2"]
    codedeploy.add_tags_to_on_premises_instances(instanceNames=racks, tags=[{"Key": "Shelf", "Value": "a"}])
    codedeploy.deregister_on_premises_instance(instanceName="rack-2")
    codedeploy.delete_git_hub_account_token(tokenName="hubber")
    arn = "arn:aws:codedeploy:eu-west-1:123456789012:application:shop"
    codedeploy.tag_resource(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    codedeploy.untag_resource(ResourceArn=arn, TagKeys=["team"])

    first = s3.put_object(Bucket="releases", Key="site.zip", Body=b"first", Tagging="a=b", Metadata={"by": "test"})
    s3.put_object(Bucket="releases", Key="site.zip", Body=b"another", ContentType="application/zip")
    s3.put_object(Bucket="releases", Key="gone.zip", Body=b"gone")
    s3.delete_object(Bucket="releases", Key="gone.zip")
    s3.create_bucket(Bucket="made", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="made", Key="dir/plain", Body=b"plain")
    upload = s3.create_multipart_upload(Bucket="made", Key="parts", Metadata={"by": "parts"})["UploadId"]
    part = s3.upload_part(Bucket="made", Key="parts", UploadId=upload, PartNumber=1, Body=b"part")

    codedeploy.register_application_revision(applicationName="shop", revision=revision, description="by hand")
    made = []
    for failing in (location, {**location, "key": "missing.zip"}):
        bundle = {"revisionType": "S3", "s3Location": failing}
        of = {"applicationName": "shop", "deploymentGroupName": "prod", "description": "one"}
        made.append(codedeploy.create_deployment(**of, revision=bundle)["deploymentId"])
        ended(made[-1])
    content = {"revisionType": "AppSpecContent", "appSpecContent": {"content": appspec}}
    made.append(
        codedeploy.create_deployment(applicationName="fn", deploymentGroupName="live", revision=content)["deploymentId"]
    )
    ended(made[-1])
    ends = {codedeploy.get_deployment(deploymentId=name)["deploymentInfo"]["status"] for name in made}
    assert {"Succeeded", "Failed"} <= ends, ends
    print(json.dumps({"version": first["VersionId"], "upload": upload, "etag": part["ETag"]}))


def ended(name):
    while "completeTime" not in codedeploy.get_deployment(deploymentId=name)["deploymentInfo"]:
        pass


read = {}


def ask(client, method, **arguments):
    """One answer, kept under what was asked."""
    try:
        answer = getattr(client, method)(**arguments)
    except client.exceptions.ClientError as error:
        answer = error.response
    answer.pop("ResponseMetadata")
    if "Body" in answer:
        answer["Body"] = answer["Body"].read().decode()
    read[f"{method} {json.dumps(arguments, sort_keys=True)}"] = answer
    return answer


def every(known):
    old = {"Bucket": "releases", "Key": "site.zip", "VersionId": known["version"]}
    assert ask(s3, "get_object", **old)["Body"] == "first"
    assert ask(s3, "get_object_tagging", **old)["TagSet"] == [{"Key": "a", "Value": "b"}]
    for name in ask(codedeploy, "list_applications")["applications"]:
        of = {"applicationName": name}
        ask(codedeploy, "get_application", **of)
        ask(codedeploy, "batch_get_applications", applicationNames=[name])
        ask(codedeploy, "list_tags_for_resource", ResourceArn=arn(f"application:{name}"))
        for group in ask(codedeploy, "list_deployment_groups", **of)["deploymentGroups"]:
            ask(codedeploy, "get_deployment_group", **of, deploymentGroupName=group)
            ask(codedeploy, "batch_get_deployment_groups", **of, deploymentGroupNames=[group])
            ask(codedeploy, "list_deployments", **of, deploymentGroupName=group)
            ask(codedeploy, "list_tags_for_resource", ResourceArn=arn(f"deploymentgroup:{name}/{group}"))
        for one in ask(codedeploy, "list_application_revisions", **of)["revisions"]:
            ask(codedeploy, "get_application_revision", **of, revision=one)
            ask(codedeploy, "batch_get_application_revisions", **of, revisions=[one])
    for name in ask(codedeploy, "list_deployment_configs")["deploymentConfigsList"]:
        ask(codedeploy, "get_deployment_config", deploymentConfigName=name)
    for name in ask(codedeploy, "list_deployments")["deployments"]:
        of = {"deploymentId": name}
        ask(codedeploy, "get_deployment", **of)
        ask(codedeploy, "batch_get_deployments", deploymentIds=[name])
        ask(codedeploy, "list_deployment_instances", **of)
        for target in ask(codedeploy, "list_deployment_targets", **of)["targetIds"]:
            ask(codedeploy, "get_deployment_target", **of, targetId=target)
            ask(codedeploy, "batch_get_deployment_targets", **of, targetIds=[target])
            ask(codedeploy, "get_deployment_instance", **of, instanceId=target)
            ask(codedeploy, "batch_get_deployment_instances", **of, instanceIds=[target])
    for name in ask(codedeploy, "list_on_premises_instances")["instanceNames"]:
        ask(codedeploy, "get_on_premises_instance", instanceName=name)
        ask(codedeploy, "batch_get_on_premises_instances", instanceNames=[name])
    ask(codedeploy, "list_git_hub_account_token_names")
    for bucket in ask(s3, "list_buckets")["Buckets"]:
        of = {"Bucket": bucket["Name"]}
        ask(s3, "get_bucket_versioning", **of)
        ask(s3, "list_multipart_uploads", **of)
        for one in ask(s3, "list_objects_v2", **of).get("Contents", []):
            of_one = {**of, "Key": one["Key"]}
            ask(s3, "head_object", **of_one)
            ask(s3, "get_object", **of_one)
            ask(s3, "get_object_tagging", **of_one)


def arn(what):
    return f"arn:aws:codedeploy:eu-west-1:123456789012:{what}"


phase, *rest = sys.argv[1:]
if phase == "make":
    make()
elif phase == "read":
    every(json.loads(rest[0]))
    names = codedeploy.meta.service_model.operation_names
    reads = {name for name in names if name.startswith(("Get", "List", "Batch"))}
    assert reads <= contract.called, reads - contract.called
    print(json.dumps(read, default=str))
else:
    known = json.loads(rest[0])
    parts = {"Parts": [{"PartNumber": 1, "ETag": known["etag"]}]}
    of = {"Bucket": "made", "Key": "parts"}
    s3.complete_multipart_upload(**of, UploadId=known["upload"], MultipartUpload=parts)
    whole = s3.get_object(**of)
    assert whole["Body"].read() == b"part" and whole["Metadata"] == {"by": "parts"}, whole
