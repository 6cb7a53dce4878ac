# --- what is watched ---------------------------------------------------------------------------------------------------

variable "cluster_name" {
  description = "The cluster whose services are watched."
  type        = string
}

variable "service_name" {
  description = "The service, or a pattern such as shop-* for several. The roles hold for these services and no others."
  type        = string
}

variable "task_definition_family" {
  description = "The family of its task definition, or a pattern. Only revisions of it are ever put back, or marked by a tag."
  type        = string
}

variable "task_role_name" {
  description = "The role of the service's own tasks, or a pattern. Who puts a task definition back passes its roles."
  type        = string
}

variable "task_execution_role_name" {
  description = "The execution role of the service's own tasks, or a pattern."
  type        = string
}

# --- the daemon --------------------------------------------------------------------------------------------------------

variable "name" {
  description = "What everything here is called; the roles are NAME, NAME-read, NAME-act and NAME-execution."
  type        = string
  default     = "rollbackd"
}

variable "image" {
  description = "The image with your rollbackd.yaml in it (see Dockerfile in the folder above), best by its digest."
  type        = string
}

variable "daemon_cluster" {
  description = "The cluster that the daemon runs on. A cluster of its own survives what happens to the others."
  type        = string
}

variable "vpc_id" {
  description = "The network of the daemon. It must reach AWS, and the tasks that are scraped and probed."
  type        = string
}

variable "vpc_cidr" {
  description = "The addresses of the tasks that are scraped and probed. The same as `daemon.reach` of rollbackd.yaml."
  type        = string
  default     = "10.0.0.0/16"
}

variable "subnet_ids" {
  description = "Private subnets with a way to AWS (a NAT gateway, or endpoints for ecs, monitoring, sqs, sts, logs and ecr)."
  type        = list(string)
}

variable "assign_public_ip" {
  description = "True only in public subnets, where there is no other way out. Nothing may come in either way."
  type        = bool
  default     = false
}

variable "client_security_group_id" {
  description = "Who may call the daemon's HTTP on port 8080: members of this security group. Null: nobody. The daemon must then listen on 0.0.0.0:8080, which it does only with tokens."
  type        = string
  default     = null
}

variable "changes_rule" {
  description = "ENABLED tells the daemon what else moves in this account and region; write `changes: {told_by: [queue]}` into rollbackd.yaml then. DISABLED where instances come and go all day and nobody wants to read it."
  type        = string
  default     = "ENABLED"
}

variable "webhook_secret_arn" {
  description = "A secret of Secrets Manager, given to the daemon as WEBHOOK_SECRET. Null if your rollbackd.yaml needs none."
  type        = string
  default     = null
}
