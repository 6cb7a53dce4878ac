"""What ``rollbackd init`` writes: a commented configuration, and the policies that it needs. No network, no AWS library."""
