"""AWS AppConfig: versions of configurations, and their deployments, which go to more and more clients by themselves.

state    what a deployment is at a time     service  the hands of others, and time     answering  the operations
flags    documents of feature flags, and who is given what
"""
