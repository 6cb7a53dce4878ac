"""ECS: services whose deployments progress on the clock. ``state`` what is, ``turn`` what follows, ``views`` what is told of it."""
