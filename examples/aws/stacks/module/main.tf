# What every stack of rollbackd has: the queue of deploy events, the rule that fills it, the three roles, and what each stack reads.
# Written by `python -m tests.examples.aws.stacks`; a test compares.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90"
    }
  }
}

variable "name" {
  description = "What everything here is called; the roles are NAME, NAME-read and NAME-act."
  type        = string
}

variable "description" {
  description = "What the rule is for."
  type        = string
}

variable "event_pattern" {
  description = "Of the rule that fills the queue, as JSON."
  type        = string
}

variable "read_statements" {
  description = "What the role to read may, beside what every stack reads."
  type        = any
}

variable "act_statements" {
  description = "What the role to act may."
  type        = any
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
}

# What every stack reads.
locals {
  common = [
    {
      Sid      = "ReadMetricsNoNarrowerResource"
      Effect   = "Allow"
      Action   = ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"]
      Resource = ["*"]
    },
    {
      Sid      = "ReadAlarms"
      Effect   = "Allow"
      Action   = ["cloudwatch:DescribeAlarms"]
      Resource = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"]
    },
    {
      Sid      = "HearDeployments"
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      Resource = ["arn:${local.partition}:sqs:${local.region}:${local.account}:${var.name}"]
    },
    {
      Sid    = "AskWhatTheRolesMay"
      Effect = "Allow"
      Action = ["iam:SimulatePrincipalPolicy"]
      Resource = [
        "arn:${local.partition}:iam::${local.account}:role/${var.name}-read",
        "arn:${local.partition}:iam::${local.account}:role/${var.name}-act",
      ]
    },
  ]
}

resource "aws_sqs_queue" "queue" {
  name                       = var.name
  message_retention_seconds  = 345600
  visibility_timeout_seconds = 60
  receive_wait_time_seconds  = 10
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = {
    queue        = aws_sqs_queue.queue.url
    dead_letters = aws_sqs_queue.dead_letters.url
  }
  queue_url = each.value
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TheRule"
        Effect = "Allow"
        Principal = {
          Service = "events.amazonaws.com"
        }
        Action   = "sqs:SendMessage"
        Resource = [aws_sqs_queue.queue.arn, aws_sqs_queue.dead_letters.arn]
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = [aws_cloudwatch_event_rule.deployments.arn]
          }
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "deployments" {
  name          = var.name
  description   = var.description
  event_pattern = var.event_pattern
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.deployments.name
  target_id = "queue"
  arn       = aws_sqs_queue.queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_iam_role" "daemon" {
  name        = var.name
  description = "The daemon itself. It may only assume the two others"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TasksOfThisAccount"
        Effect = "Allow"
        Principal = {
          Service = "ecs-tasks.amazonaws.com"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = local.account
          }
          ArnLike = {
            "aws:SourceArn" = "arn:${local.partition}:ecs:${local.region}:${local.account}:*"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "daemon" {
  name = "assume"
  role = aws_iam_role.daemon.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AssumeTheRoles"
        Effect = "Allow"
        Action = ["sts:AssumeRole"]
        Resource = [
          "arn:${local.partition}:iam::${local.account}:role/${var.name}-read",
          "arn:${local.partition}:iam::${local.account}:role/${var.name}-act",
        ]
      },
    ]
  })
}

resource "aws_iam_role" "read" {
  name        = "${var.name}-read"
  description = "What rollbackd reads, and its queue"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TheDaemon"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${local.partition}:iam::${local.account}:role/${var.name}"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:RoleSessionName" = "rollbackd-read"
          }
        }
      },
    ]
  })
  depends_on = [aws_iam_role.daemon]
}

resource "aws_iam_role_policy" "read" {
  name = "read"
  role = aws_iam_role.read.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(var.read_statements, local.common)
  })
}

resource "aws_iam_role" "act" {
  name        = "${var.name}-act"
  description = "Assumed only to act. Not used until rollbackd.yaml names it"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TheDaemon"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${local.partition}:iam::${local.account}:role/${var.name}"
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "sts:RoleSessionName" = "rollbackd-act"
          }
        }
      },
    ]
  })
  depends_on = [aws_iam_role.daemon]
}

resource "aws_iam_role_policy" "act" {
  name = "act"
  role = aws_iam_role.act.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = var.act_statements
  })
}

output "queue_url" {
  description = "For `sources` of rollbackd.yaml."
  value       = aws_sqs_queue.queue.url
}

output "read_role_arn" {
  description = "For `accounts` of rollbackd.yaml, as read."
  value       = aws_iam_role.read.arn
}

output "act_role_arn" {
  description = "For `accounts` of rollbackd.yaml, as act, once a service may ask or act."
  value       = aws_iam_role.act.arn
}

output "daemon_role_arn" {
  description = "For the task that the daemon is."
  value       = aws_iam_role.daemon.arn
}
