"""The small world: a service of several instances behind a load balancer, and the two programs that show and move it."""
