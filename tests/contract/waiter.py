"""boto3's own waiter for a deployment, on one that has succeeded and on one that has not."""

import os

import botocore.exceptions
import contract

codedeploy = contract.client()
shop = {"applicationName": "shop"}
prod = {**shop, "deploymentGroupName": "prod"}
codedeploy.create_application(**shop)
codedeploy.create_deployment_group(**prod, serviceRoleArn="arn:aws:iam::123456789012:role/CodeDeploy")
location = {"bucket": "releases", "key": "site.zip", "bundleType": "zip"}
revision = {"revisionType": "S3", "s3Location": location}
created = codedeploy.create_deployment(**prod, revision=revision)["deploymentId"]
assert codedeploy.waiter_names == ["deployment_successful"]
waiter = codedeploy.get_waiter("deployment_successful")
try:
    waiter.wait(deploymentId=created, WaiterConfig={"Delay": 0, "MaxAttempts": 2})
    ended = "well"
except botocore.exceptions.WaiterError as error:
    assert "terminal failure state" in str(error), error
    ended = "badly"
assert ended == os.environ["ENDS"], ended
