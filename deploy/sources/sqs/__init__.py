"""A queue of SQS that EventBridge fills, directly or through SNS; a pipeline may put its own announcements into it.

``envelope`` takes a message apart, ``ecs`` and ``others`` say what the event in it means, ``queue`` asks for messages, ``examining``
looks at the queue itself.

Who may announce is said by the queue's policy: whoever may send to the queue is believed, as a token is at the HTTP door,
and speaks for every service that is heard from this source. That is why the signature of SNS is not checked here: it
protects an open door, and a queue is none. Nobody can put an event of ``aws.ecs`` onto a bus of EventBridge but AWS, but
anybody can put its bytes into a queue whose policy lets them. Even then a message is a hint: what runs is read.
"""

from deploy.source import Kind
from deploy.sources.sqs.examining import examine, needs
from deploy.sources.sqs.parser import SqsSource
from deploy.sources.sqs.queue import Queue, Settings, misplaced

KIND = Kind(settings=Settings, open=SqsSource, feed=Queue, examine=examine, needs=needs, misplaced=misplaced)

__all__ = ["KIND", "Queue", "Settings", "SqsSource", "misplaced"]
