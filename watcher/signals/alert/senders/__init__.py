"""Systems that push their alerts: who they are, and what they say.

``sender`` is what each of them must do, ``door`` the one way in, ``registry`` lists them; ``proof`` and ``clean`` are what they
have in common: secrets, and somebody else's text. ``cloudwatch`` reads alarms, which come by a queue, or by SNS. Deliberately absent:
the store, and what follows from an alert.
"""
