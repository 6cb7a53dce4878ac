# rollbackd for an environment of Elastic Beanstalk: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init beanstalk`, the rule is that of docs/beanstalk.md; the same as cloudformation.yaml.
# Beanstalk tells EventBridge by itself. Give the environment an operations role.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "application" {
  description = "The application."
  type        = string
}

variable "environment_name" {
  description = "The environment of Beanstalk."
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
  description = "Deployments of an environment of Elastic Beanstalk, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.elasticbeanstalk"]
    detail-type = ["Elastic Beanstalk resource status change"]
    detail = {
      Status = ["Environment update started", "Environment update successful", "Environment update failed"]
    }
  })
  read_statements = [
    {
      Sid    = "ReadEnvironments"
      Effect = "Allow"
      Action = [
        "elasticbeanstalk:DescribeEnvironments",
        "elasticbeanstalk:DescribeInstancesHealth",
        "elasticbeanstalk:DescribeConfigurationSettings",
        "elasticbeanstalk:DescribeEvents",
      ]
      Resource = [
        "arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:environment/${var.application}/${var.environment_name}",
      ]
    },
    {
      Sid    = "ReadVersions"
      Effect = "Allow"
      Action = ["elasticbeanstalk:DescribeApplicationVersions", "elasticbeanstalk:ListTagsForResource"]
      Resource = [
        "arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:applicationversion/${var.application}/*",
      ]
    },
    {
      Sid    = "SeeWhoOwnsEnvironments"
      Effect = "Allow"
      Action = ["elasticbeanstalk:ListTagsForResource"]
      Resource = [
        "arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:environment/${var.application}/${var.environment_name}",
      ]
    },
    {
      Sid      = "ReadLifecycleRules"
      Effect   = "Allow"
      Action   = ["elasticbeanstalk:DescribeApplications"]
      Resource = ["arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:application/${var.application}"]
    },
    {
      Sid      = "SeeWhetherBundlesAreThere"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["arn:${local.partition}:s3:::elasticbeanstalk-${local.region}-${local.account}/*"]
    },
    {
      Sid      = "SeeWhatDeletesBundles"
      Effect   = "Allow"
      Action   = ["s3:GetLifecycleConfiguration"]
      Resource = ["arn:${local.partition}:s3:::elasticbeanstalk-${local.region}-${local.account}"]
    },
  ]
  act_statements = [
    {
      Sid    = "PutBackVersions"
      Effect = "Allow"
      Action = ["elasticbeanstalk:UpdateEnvironment", "elasticbeanstalk:AbortEnvironmentUpdate"]
      Resource = [
        "arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:environment/${var.application}/${var.environment_name}",
      ]
    },
    {
      Sid    = "MarkVersions"
      Effect = "Allow"
      Action = ["elasticbeanstalk:AddTags"]
      Resource = [
        "arn:${local.partition}:elasticbeanstalk:${local.region}:${local.account}:applicationversion/${var.application}/*",
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
