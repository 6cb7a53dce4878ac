"""AWS Lambda: functions with their versions, aliases, what is kept warm, and what CloudTrail tells of changes.

state    what a function is     service  the hands of others, and time     answering  the operations
"""
