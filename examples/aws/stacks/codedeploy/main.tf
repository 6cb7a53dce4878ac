# rollbackd for a deployment group of CodeDeploy: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init codedeploy`, the rule is that of docs/codedeploy.md; the same as cloudformation.yaml.
# CodeDeploy tells EventBridge by itself.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "application" {
  description = "The application."
  type        = string
}

variable "deployment_group" {
  description = "The deployment group."
  type        = string
}

variable "name" {
  description = "What everything here is called; the roles are NAME, NAME-read and NAME-act."
  type        = string
  default     = "rollbackd"
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
}

module "rollbackd" {
  source      = "../module"
  name        = var.name
  description = "Deployments of a deployment group of CodeDeploy, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.codedeploy"]
    detail-type = ["CodeDeploy Deployment State-change Notification"]
    detail = {
      application = [var.application]
    }
  })
  read_statements = [
    {
      Sid    = "ReadGroups"
      Effect = "Allow"
      Action = [
        "codedeploy:BatchGetDeploymentGroups",
        "codedeploy:BatchGetDeployments",
        "codedeploy:ListDeployments",
        "codedeploy:ListTagsForResource",
      ]
      Resource = [
        "arn:${local.partition}:codedeploy:${local.region}:${local.account}:deploymentgroup:${var.application}/${var.deployment_group}",
      ]
    },
    {
      Sid      = "ReadRevisions"
      Effect   = "Allow"
      Action   = ["codedeploy:GetApplicationRevision"]
      Resource = ["arn:${local.partition}:codedeploy:${local.region}:${local.account}:application:${var.application}"]
    },
    {
      Sid      = "ReadConfigurations"
      Effect   = "Allow"
      Action   = ["codedeploy:GetDeploymentConfig"]
      Resource = ["arn:${local.partition}:codedeploy:${local.region}:${local.account}:deploymentconfig:*"]
    },
    {
      Sid      = "ReadInstancesNoNarrowerResource"
      Effect   = "Allow"
      Action   = ["codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"]
      Resource = ["*"]
    },
  ]
  act_statements = [
    {
      Sid    = "DeployOldRevisions"
      Effect = "Allow"
      Action = ["codedeploy:CreateDeployment"]
      Resource = [
        "arn:${local.partition}:codedeploy:${local.region}:${local.account}:deploymentgroup:${var.application}/${var.deployment_group}",
      ]
    },
    {
      Sid      = "ThatNeedsRevisionsToo"
      Effect   = "Allow"
      Action   = ["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"]
      Resource = ["arn:${local.partition}:codedeploy:${local.region}:${local.account}:application:${var.application}"]
    },
    {
      Sid      = "ThatNeedsConfigurationsToo"
      Effect   = "Allow"
      Action   = ["codedeploy:GetDeploymentConfig"]
      Resource = ["arn:${local.partition}:codedeploy:${local.region}:${local.account}:deploymentconfig:*"]
    },
    {
      Sid    = "StopAndAnswerDeploymentsNoNarrowerResource"
      Effect = "Allow"
      Action = [
        "codedeploy:StopDeployment",
        "codedeploy:ContinueDeployment",
        "codedeploy:PutLifecycleEventHookExecutionStatus",
      ]
      Resource = ["*"]
    },
    {
      Sid    = "MarkGroups"
      Effect = "Allow"
      Action = ["codedeploy:TagResource", "codedeploy:UntagResource"]
      Resource = [
        "arn:${local.partition}:codedeploy:${local.region}:${local.account}:deploymentgroup:${var.application}/${var.deployment_group}",
      ]
      Condition = {
        "ForAllValues:StringLike" = {
          "aws:TagKeys" = ["rollbackd:*"]
        }
      }
    },
  ]
}

output "rollbackd" {
  description = "For rollbackd.yaml: the queue and the roles."
  value       = module.rollbackd
}
