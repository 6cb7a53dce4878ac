"""What ``rollbackd replay`` is made of: samples read, deployments found in them, each played, and the whole summed up."""
