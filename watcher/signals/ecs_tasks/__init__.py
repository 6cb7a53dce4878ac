"""Tasks of an ECS service that fail: kind `ratio`, provider `ecs_tasks`. Seconds late, with both arms of a rolling deployment.

What is counted are lives: a task that lives in a bucket of 15 s is one trial of it, and bad if it fails in it. A share of
0.4 % is one failure an hour and task. What a failure is, and what a normal end, says the table in `ending`.

* A bucket is final 15 s after its end. Nothing is remembered that the answer depends on: a daemon that was away for less
  than 55 minutes finds what it missed, and what is older is a hole.
* Not seen: a container that its restart policy starts again inside of its task, for ECS tells no end of it.
"""

from watcher.signals.ecs_tasks.provider import KIND, EcsTasks

__all__ = ["KIND", "EcsTasks"]
