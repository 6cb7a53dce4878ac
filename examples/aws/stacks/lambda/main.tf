# rollbackd for an alias of a function of Lambda: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init lambda`, the rule is that of docs/lambda.md; the same as cloudformation.yaml.
# A trail of CloudTrail has to record management events: EventBridge hears of API calls by it, minutes late.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "function_name" {
  description = "The function."
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
  description = "Deployments of an alias of a function of Lambda, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.lambda"]
    detail-type = ["AWS API Call via CloudTrail"]
    detail = {
      eventName = ["UpdateAlias20150331", "UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2"]
    }
  })
  read_statements = [
    {
      Sid    = "ReadFunctions"
      Effect = "Allow"
      Action = ["lambda:GetAlias", "lambda:GetFunctionConfiguration", "lambda:ListTags"]
      Resource = [
        "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}",
        "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}:*",
      ]
    },
    {
      Sid      = "ReadWhatIsWarm"
      Effect   = "Allow"
      Action   = ["lambda:GetProvisionedConcurrencyConfig"]
      Resource = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}:*"]
    },
    {
      Sid      = "ReadMappingsNoNarrowerResource"
      Effect   = "Allow"
      Action   = ["lambda:ListEventSourceMappings"]
      Resource = ["*"]
    },
  ]
  act_statements = [
    {
      Sid      = "PointAliasesBack"
      Effect   = "Allow"
      Action   = ["lambda:UpdateAlias"]
      Resource = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}"]
    },
    {
      Sid      = "MarkFunctions"
      Effect   = "Allow"
      Action   = ["lambda:TagResource", "lambda:UntagResource"]
      Resource = ["arn:${local.partition}:lambda:${local.region}:${local.account}:function:${var.function_name}"]
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
