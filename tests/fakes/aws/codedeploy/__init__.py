"""CodeDeploy for EC2 and on-premises: groups of instances, revisions, deployments, and what follows from the clock."""
