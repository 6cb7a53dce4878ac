# rollbackd for target groups that share the traffic by weights: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init load-balancer`, the rule is that of docs/load-balancer.md; the same as cloudformation.yaml.
# A trail of CloudTrail has to record management events: EventBridge hears of API calls by it, minutes late.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "rule" {
  description = "The end of the ARN of the rule whose weights are moved, app/NAME/ID/LISTENER/RULE."
  type        = string
}

variable "one_target_group" {
  description = "The end of the ARN of one of its target groups, targetgroup/NAME/ID."
  type        = string
}

variable "other_target_group" {
  description = "And of the other."
  type        = string
}

variable "environment" {
  description = "What rollbackd calls the place that it runs in."
  type        = string
  default     = "production"
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
  description = "Deployments of target groups that share the traffic by weights, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.elasticloadbalancing"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventName = ["ModifyRule", "ModifyListener"]
    }
  })
  read_statements = [
    {
      Sid    = "ReadBalancersNoNarrowerResource"
      Effect = "Allow"
      Action = [
        "elasticloadbalancing:DescribeRules",
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeTags",
        "elasticloadbalancing:DescribeTargetHealth",
        "elasticloadbalancing:DescribeTargetGroupAttributes",
      ]
      Resource = ["*"]
    },
  ]
  act_statements = [
    {
      Sid      = "MoveTheWeights"
      Effect   = "Allow"
      Action   = ["elasticloadbalancing:ModifyRule"]
      Resource = ["arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:listener-rule/${var.rule}"]
    },
    {
      Sid    = "MarkTheRuleAndItsGroups"
      Effect = "Allow"
      Action = ["elasticloadbalancing:AddTags"]
      Resource = [
        "arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:listener-rule/${var.rule}",
        "arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:${var.one_target_group}",
        "arn:${local.partition}:elasticloadbalancing:${local.region}:${local.account}:${var.other_target_group}",
      ]
      Condition = {
        "ForAllValues:StringLike" = {
          "aws:TagKeys" = ["rollbackd:move", "rollbackd:*.${var.environment}"]
        }
      }
    },
  ]
}

output "rollbackd" {
  description = "For rollbackd.yaml: the queue and the roles."
  value       = module.rollbackd
}
