"""The truth back to GitHub: the status of the deployment that a watch is of, and of its commit where that is wanted. One row a watch.

``connection`` is the kind, ``settings`` what is configured, ``saying`` which status a notice is and ``commits`` which one of a commit (pure), ``client`` gidgethub over
our own guarded HTTP, ``board`` the notifier, ``refusals`` what follows from a refusal, ``examining`` what the doctor looks at.

Deliberately absent: new deployments. One of the release that is gone back to would start pipelines.
"""
