"""What ``rollbackd doctor`` looks at: accounts, sources, services, signals. It opens what the daemon opens, and only reads.

A kind of target, source or provider says through its ``Kind`` what only it knows (``needs``, ``examine``, ``unknown``);
all else is asked by the protocols that the daemon itself uses.
"""
