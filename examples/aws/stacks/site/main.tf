# rollbackd for a static site on S3 behind CloudFront: the queue of deploy events, the rule that fills it, and the three roles.
# The policies are those of `rollbackd init site`, the rule is that of docs/s3-cloudfront.md; the same as cloudformation.yaml.
# The bucket has to tell EventBridge what is put into it (NotificationConfiguration: EventBridgeConfiguration).
# Written by `python -m tests.examples.aws.stacks`; a test compares.

variable "bucket_name" {
  description = "The bucket with the pages."
  type        = string
}

variable "distribution_id" {
  description = "The distribution before it."
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
  description = "Deployments of a static site on S3 behind CloudFront, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = {
        name = [var.bucket_name]
      }
      object = {
        key = ["index.html"]
      }
    }
  })
  read_statements = [
    {
      Sid      = "ReadPages"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTagging", "s3:GetObjectAcl"]
      Resource = ["arn:${local.partition}:s3:::${var.bucket_name}/*"]
    },
    {
      Sid    = "ReadBucket"
      Effect = "Allow"
      Action = [
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:GetBucketVersioning",
        "s3:GetLifecycleConfiguration",
        "s3:GetBucketNotification",
      ]
      Resource = ["arn:${local.partition}:s3:::${var.bucket_name}"]
    },
    {
      Sid    = "ReadDistribution"
      Effect = "Allow"
      Action = [
        "cloudfront:GetDistribution",
        "cloudfront:ListInvalidations",
        "cloudfront:GetInvalidation",
        "cloudfront:ListTagsForResource",
      ]
      Resource = ["arn:${local.partition}:cloudfront::${local.account}:distribution/${var.distribution_id}"]
    },
  ]
  act_statements = [
    {
      Sid      = "ReadReleases"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectTagging"]
      Resource = ["arn:${local.partition}:s3:::${var.bucket_name}/releases/*/index.html"]
    },
    {
      Sid      = "MovePage"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"]
      Resource = ["arn:${local.partition}:s3:::${var.bucket_name}/index.html"]
    },
    {
      Sid      = "MarkReleases"
      Effect   = "Allow"
      Action   = ["s3:PutObjectTagging"]
      Resource = ["arn:${local.partition}:s3:::${var.bucket_name}/releases/*/index.html"]
    },
    {
      Sid      = "FetchAnew"
      Effect   = "Allow"
      Action   = ["cloudfront:CreateInvalidation"]
      Resource = ["arn:${local.partition}:cloudfront::${local.account}:distribution/${var.distribution_id}"]
    },
  ]
}

output "rollbackd" {
  description = "For rollbackd.yaml: the queue and the roles."
  value       = module.rollbackd
}
