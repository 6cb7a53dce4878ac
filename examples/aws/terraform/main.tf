# rollbackd as a service on ECS: the queue of deploy events, the rule that fills it, a role to read, a role to act, and the
# daemon. It reads only, until its configuration names the role to act. The same as ../cloudformation.yaml: a test compares.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90"
    }
  }
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  ecr        = "arn:${data.aws_partition.current.partition}:ecr:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  ecs        = "arn:${data.aws_partition.current.partition}:ecs:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  cloudwatch = "arn:${data.aws_partition.current.partition}:cloudwatch:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}"
  role       = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role"
  revisions  = "${local.ecs}:task-definition/${var.task_definition_family}:*"
}

# --- what is heard -----------------------------------------------------------------------------------------------------

resource "aws_sqs_queue" "queue" {
  name                       = var.name
  message_retention_seconds  = 345600 # 4 days: an event that is older is history, and what is live is read anyway
  visibility_timeout_seconds = 60     # a message is written down and deleted within seconds
  receive_wait_time_seconds  = 10
  sqs_managed_sse_enabled    = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5 # restarts count too
  })
}

# Empty unless something is wrong: put an alarm on its depth.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600 # 14 days. It counts from the first sending, so it must be longer than the queue's
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "queue" {
  for_each  = { queue = aws_sqs_queue.queue.url, dead_letters = aws_sqs_queue.dead_letters.url }
  queue_url = each.value
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheRules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = [aws_sqs_queue.queue.arn, aws_sqs_queue.dead_letters.arn]
        Condition = { ArnEquals = { "aws:SourceArn" = [aws_cloudwatch_event_rule.deployments.arn, aws_cloudwatch_event_rule.changes.arn] } }
      },
    ]
  })
}

resource "aws_cloudwatch_event_rule" "deployments" {
  name        = var.name
  description = "Deployments of ECS services, and their hooks, to rollbackd"
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Deployment State Change", "ECS Hook State Change"]
    resources = [
      { prefix = "${local.ecs}:service/${var.cluster_name}/" },
      { prefix = "${local.ecs}:service-deployment/${var.cluster_name}/" },
    ]
  })
}

resource "aws_cloudwatch_event_target" "queue" {
  rule      = aws_cloudwatch_event_rule.deployments.name
  target_id = "queue"
  arn       = aws_sqs_queue.queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

# What else moves in this account and region: examples/changes/event-pattern.json, which docs/changes.md explains. What comes by both
# rules is one event, and is known by its id.
resource "aws_cloudwatch_event_rule" "changes" {
  name        = "${var.name}-changes"
  description = "What else moved (scaling, settings, secrets, databases, AWS Health), to rollbackd"
  state       = var.changes_rule
  event_pattern = jsonencode({
    "$or" = [
      {
        source = ["aws.autoscaling"]
        detail-type = [
          "EC2 Instance Launch Successful",
          "EC2 Instance Launch Unsuccessful",
          "EC2 Instance Terminate Successful",
          "EC2 Instance Terminate Unsuccessful",
          { prefix = "EC2 Auto Scaling Instance Refresh" },
        ]
      },
      { source = ["aws.application-autoscaling"] },
      { source = ["aws.ecs"], detail-type = ["ECS Service Action"], detail = { eventName = ["SERVICE_DESIRED_COUNT_UPDATED"] } },
      { source = ["aws.ecs"], detail-type = ["ECS Deployment State Change"] },
      { source = ["aws.codedeploy"], detail-type = ["CodeDeploy Deployment State-change Notification"] },
      { source = ["aws.elasticbeanstalk"], detail-type = ["Elastic Beanstalk resource status change"] },
      { source = ["aws.appconfig"] },
      { source = ["aws.ssm"], detail-type = ["Parameter Store Change"] },
      { source = ["aws.secretsmanager"], detail-type = ["Secret Label Updated", "AWS Service Event via CloudTrail"] },
      { source = ["aws.rds"], detail-type = ["RDS DB Instance Event", "RDS DB Cluster Event"] },
      { source = ["aws.health"], detail-type = ["AWS Health Event"] },
    ]
  })
}

resource "aws_cloudwatch_event_target" "changes" {
  rule      = aws_cloudwatch_event_rule.changes.name
  target_id = "queue"
  arn       = aws_sqs_queue.queue.arn
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

# --- what it may do ----------------------------------------------------------------------------------------------------
# The same as `rollbackd init ecs` writes: watcher/commands/_init/policies.py says why each line is there.

resource "aws_iam_role" "daemon" {
  name        = var.name
  description = "The daemon itself. It may only assume the two roles below"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TasksOfThisAccount"
        Effect    = "Allow"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
          ArnLike      = { "aws:SourceArn" = "${local.ecs}:*" }
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
        Sid      = "AssumeTheRoles"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = ["${local.role}/${var.name}-read", "${local.role}/${var.name}-act"]
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
        Sid       = "TheDaemon"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.daemon.arn }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = { "sts:RoleSessionName" = "rollbackd-read" } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "read" {
  name = "read"
  role = aws_iam_role.read.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadServices"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:ListServiceDeployments"]
        Resource = ["${local.ecs}:service/${var.cluster_name}/${var.service_name}"]
      },
      {
        Sid    = "ReadDeployments"
        Effect = "Allow"
        Action = ["ecs:DescribeServiceDeployments"]
        Resource = [
          "${local.ecs}:service/${var.cluster_name}/${var.service_name}",
          "${local.ecs}:service-deployment/${var.cluster_name}/${var.service_name}/*",
        ]
      },
      {
        Sid    = "ReadRevisions"
        Effect = "Allow"
        Action = ["ecs:DescribeServiceRevisions"]
        Resource = [
          "${local.ecs}:service/${var.cluster_name}/${var.service_name}",
          "${local.ecs}:service-revision/${var.cluster_name}/${var.service_name}/*",
        ]
      },
      {
        Sid      = "ReadTasks"
        Effect   = "Allow"
        Action   = ["ecs:DescribeTasks"]
        Resource = ["${local.ecs}:task/${var.cluster_name}/*"]
      },
      {
        Sid       = "ListTasksOfThisClusterNoNarrowerResource"
        Effect    = "Allow"
        Action    = ["ecs:ListTasks"]
        Resource  = ["*"]
        Condition = { ArnEquals = { "ecs:cluster" = "${local.ecs}:cluster/${var.cluster_name}" } }
      },
      {
        Sid      = "ReadTaskDefinitionsNoNarrowerResource"
        Effect   = "Allow"
        Action   = ["ecs:DescribeTaskDefinition"]
        Resource = ["*"]
      },
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = ["ecr:DescribeImages", "ecr:GetLifecyclePolicy"]
        Resource = ["${local.ecr}:repository/*"]
      },
      {
        Sid      = "ReadTargetGroupsNoNarrowerResource"
        Effect   = "Allow"
        Action   = ["elasticloadbalancing:DescribeTargetGroupAttributes"]
        Resource = ["*"]
      },
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
        Resource = ["${local.cloudwatch}:alarm:*"]
      },
      {
        Sid      = "HearDeployments"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.queue.arn]
      },
      {
        Sid      = "AskWhatTheRolesMay"
        Effect   = "Allow"
        Action   = ["iam:SimulatePrincipalPolicy"]
        Resource = ["${local.role}/${var.name}-read", "${local.role}/${var.name}-act"]
      },
    ]
  })
}

resource "aws_iam_role" "act" {
  name        = "${var.name}-act"
  description = "Assumed only to act. Not used until rollbackd.yaml names it"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TheDaemon"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.daemon.arn }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = { "sts:RoleSessionName" = "rollbackd-act" } }
      },
    ]
  })
}

resource "aws_iam_role_policy" "act" {
  name = "act"
  role = aws_iam_role.act.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "PutBackRevisions"
        Effect    = "Allow"
        Action    = ["ecs:UpdateService"]
        Resource  = ["${local.ecs}:service/${var.cluster_name}/${var.service_name}"]
        Condition = { ArnLike = { "ecs:task-definition" = [local.revisions] } }
      },
      {
        Sid    = "StopDeploymentsAndAnswerTheirHooks"
        Effect = "Allow"
        Action = ["ecs:StopServiceDeployment", "ecs:ContinueServiceDeployment"]
        Resource = [
          "${local.ecs}:service/${var.cluster_name}/${var.service_name}",
          "${local.ecs}:service-deployment/${var.cluster_name}/${var.service_name}/*",
        ]
      },
      {
        Sid       = "PassTheRolesOfTheTasks"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = ["${local.role}/${var.task_role_name}", "${local.role}/${var.task_execution_role_name}"]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid       = "MarkServicesAndRevisions"
        Effect    = "Allow"
        Action    = ["ecs:TagResource"]
        Resource  = ["${local.ecs}:service/${var.cluster_name}/${var.service_name}", local.revisions]
        Condition = { "ForAllValues:StringLike" = { "aws:TagKeys" = ["rollbackd:*"] } }
      },
    ]
  })
}

# --- the daemon --------------------------------------------------------------------------------------------------------

# Of ECS, to start the daemon: to pull the image, to write the log, to read the secret.
resource "aws_iam_role" "execution" {
  name = "${var.name}-execution"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Tasks" # without conditions: AWS documents them for roles of tasks alone
        Effect    = "Allow"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secret" {
  count = var.webhook_secret_arn == null ? 0 : 1
  name  = "secret"
  role  = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadTheSecret"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [var.webhook_secret_arn]
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "log" {
  name              = "/ecs/${var.name}"
  retention_in_days = 30
}

# Out to AWS and to the tasks that it measures; in only for its clients, if it has any.
resource "aws_security_group" "daemon" {
  name        = var.name
  description = "rollbackd. Out to AWS and to the tasks that it measures; in only for its clients, if it has any"
  vpc_id      = var.vpc_id
  egress {
    description = "AWS, and whoever is told"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["0.0.0.0/0"]
  }
  egress {
    description = "Tasks that are scraped and probed"
    protocol    = "tcp"
    from_port   = 1
    to_port     = 65535
    cidr_blocks = [var.vpc_cidr]
  }
  dynamic "ingress" {
    for_each = var.client_security_group_id == null ? [] : [var.client_security_group_id]
    content {
      description     = "Pipelines and people, with a token"
      protocol        = "tcp"
      from_port       = 8080
      to_port         = 8080
      security_groups = [ingress.value]
    }
  }
}

resource "aws_ecs_task_definition" "daemon" {
  family                   = var.name
  cpu                      = "256"
  memory                   = "512"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  task_role_arn            = aws_iam_role.daemon.arn
  execution_role_arn       = aws_iam_role.execution.arn
  runtime_platform {
    cpu_architecture        = "X86_64"
    operating_system_family = "LINUX"
  }
  volume {
    name = "state" # on the task's own disk, gone with the task: ../README.md says why that is right
  }
  container_definitions = jsonencode([
    {
      name                   = "rollbackd"
      image                  = var.image
      essential              = true
      readonlyRootFilesystem = true
      linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } } # an init reaps what a command leaves
      stopTimeout            = 30 # it finishes the round that is under way, and needs a third of that
      mountPoints            = [{ sourceVolume = "state", containerPath = "/var/lib/rollbackd", readOnly = false }]
      portMappings           = [{ containerPort = 8080, protocol = "tcp" }]
      healthCheck = {
        command     = ["CMD", "rollbackd", "health"]
        interval    = 30
        timeout     = 5
        retries     = 3
        startPeriod = 30
      }
      secrets = var.webhook_secret_arn == null ? [] : [{ name = "WEBHOOK_SECRET", valueFrom = var.webhook_secret_arn }]
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = aws_cloudwatch_log_group.log.name
          awslogs-region        = data.aws_region.current.id
          awslogs-stream-prefix = "daemon"
          mode                  = "non-blocking" # a log that is slow must not hold up a rollback
          max-buffer-size       = "4m"
        }
      }
    },
  ])
}

resource "aws_ecs_service" "daemon" {
  name                               = var.name
  cluster                            = var.daemon_cluster
  task_definition                    = aws_ecs_task_definition.daemon.arn
  launch_type                        = "FARGATE"
  desired_count                      = 1          # one process, one SQLite: never more
  deployment_minimum_healthy_percent = 0          # the old one is stopped before the new one is started ...
  deployment_maximum_percent         = 100        # ... so there are never two
  availability_zone_rebalancing      = "DISABLED" # it would start a second one first
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    assign_public_ip = var.assign_public_ip
    security_groups  = [aws_security_group.daemon.id]
    subnets          = var.subnet_ids
  }
  depends_on = [aws_iam_role_policy.daemon, aws_iam_role_policy.secret, aws_iam_role_policy_attachment.execution]
}
