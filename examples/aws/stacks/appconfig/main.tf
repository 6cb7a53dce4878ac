# rollbackd for a configuration profile of AWS AppConfig: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init appconfig`, the rule is that of docs/flags.md; the same as cloudformation.yaml.
# The environment of AppConfig has to have AWS's extension for EventBridge.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "application_id" {
  description = "The id of the application."
  type        = string
}

variable "environment_id" {
  description = "The id of the environment of AppConfig."
  type        = string
}

variable "profile_id" {
  description = "The id of the configuration profile."
  type        = string
}

variable "strategy" {
  description = "The strategy by which an old version is deployed anew."
  type        = string
  default     = "AppConfig.AllAtOnce"
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
  description = "Deployments of a configuration profile of AWS AppConfig, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.appconfig"]
    detail-type = ["On Deployment Start", "On Deployment Complete", "On Deployment Rolled Back", "On Deployment Rollback"]
  })
  read_statements = [
    {
      Sid    = "ReadDeployments"
      Effect = "Allow"
      Action = [
        "appconfig:ListDeployments",
        "appconfig:GetDeployment",
        "appconfig:GetEnvironment",
        "appconfig:ListTagsForResource",
      ]
      Resource = [
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}/deployment/*",
      ]
    },
    {
      Sid    = "ReadVersions"
      Effect = "Allow"
      Action = ["appconfig:GetConfigurationProfile", "appconfig:GetHostedConfigurationVersion"]
      Resource = [
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/configurationprofile/${var.profile_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/configurationprofile/${var.profile_id}/hostedconfigurationversion/*",
      ]
    },
    {
      Sid      = "ReadStrategies"
      Effect   = "Allow"
      Action   = ["appconfig:GetDeploymentStrategy"]
      Resource = ["arn:${local.partition}:appconfig:${local.region}:${local.account}:deploymentstrategy/${var.strategy}"]
    },
  ]
  act_statements = [
    {
      Sid    = "TakeBackDeployments"
      Effect = "Allow"
      Action = ["appconfig:StopDeployment"]
      Resource = [
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}/deployment/*",
      ]
    },
    {
      Sid    = "DeployOldVersions"
      Effect = "Allow"
      Action = ["appconfig:StartDeployment"]
      Resource = [
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}/deployment/*",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/configurationprofile/${var.profile_id}",
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:deploymentstrategy/${var.strategy}",
      ]
    },
    {
      Sid    = "MarkDeployments"
      Effect = "Allow"
      Action = ["appconfig:TagResource"]
      Resource = [
        "arn:${local.partition}:appconfig:${local.region}:${local.account}:application/${var.application_id}/environment/${var.environment_id}/deployment/*",
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
