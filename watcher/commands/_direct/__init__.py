"""A rollback without the daemon, for when it is dead: by the same code, from the configuration, with whoever's credentials ask.

What the daemon would know from its store is asked of the platform (`remembering`), the way back is chosen as the daemon
chooses (`choosing`), a person agrees, and `doing` makes the moves; `diary` is the only record. Deliberately absent: rules,
signals, notifiers and the store: nothing is judged here, and nobody but the platform is spoken to.
"""
