# ruff: noqa: INP001 -- one file, put into a function as it is
"""The function of a lifecycle hook of CodeDeploy (ECS, Lambda) that lets rollbackd answer it.

It answers nothing itself, but for a way back, which waits for nobody. It writes down which hook waits, and by which id it is answered, into a
parameter of Systems Manager that rollbackd reads; then it tells rollbackd's queue, so that nobody has to wait for the next reading. CodeDeploy
gives an hour. Nobody answers in it: the deployment fails, and what served has all the traffic.

Environment: HOOK_PARAMETER, the parameter; QUEUE_URL, the queue; STAGE, the lifecycle event whose function this is (BeforeAllowTraffic, ...).
Permissions: codedeploy:GetDeployment and codedeploy:PutLifecycleEventHookExecutionStatus on *, ssm:PutParameter, sqs:SendMessage.
"""

import hashlib
import json
import os
import re

import boto3


def handler(event, context, client=boto3.client, environment=os.environ):
    """*event*: DeploymentId and LifecycleEventHookExecutionId, as CodeDeploy gives them."""
    deployment, execution = event["DeploymentId"], event["LifecycleEventHookExecutionId"]
    told = client("codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"]
    if _goes_back(told):
        client("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status="Succeeded"
        )
        return
    stage = environment["STAGE"]
    waits = {"deployment": deployment, "stage": stage, "execution": execution}
    client("ssm").put_parameter(
        Name=environment["HOOK_PARAMETER"], Value=json.dumps(waits), Type="String", Overwrite=True
    )
    # arn:aws:lambda:REGION:ACCOUNT:function:NAME
    _, _, _, region, account, *_ = context.invoked_function_arn.split(":")
    said = {
        "version": "0",
        "id": hashlib.sha256(execution.encode()).hexdigest(),
        "detail-type": "CodeDeploy Lifecycle Hook",
        "source": "rollbackd",
        "account": account,
        "region": region,
        "resources": [],
        "detail": {
            "application": told["applicationName"],
            "deploymentGroup": told["deploymentGroupName"],
            "deploymentId": deployment,
            "stage": stage,
        },
    }
    client("sqs").send_message(QueueUrl=environment["QUEUE_URL"], MessageBody=json.dumps(said))


# As rollbackd describes what it deploys. Whoever may deploy may write it too, and may as well name no hooks: it lets nobody do more.
OURS = re.compile(r"rollbackd [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}: back from d-[A-Za-z0-9]{1,32}")


def _goes_back(told):
    """It takes a deployment back: CodeDeploy's own, or one that rollbackd has made."""
    is_ours = OURS.fullmatch(told.get("description", "")) is not None
    return told.get("creator") == "codeDeployRollback" or is_ours
