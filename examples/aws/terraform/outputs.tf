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

output "log_group_name" {
  description = "Where the daemon logs."
  value       = aws_cloudwatch_log_group.log.name
}
