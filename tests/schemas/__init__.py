"""What vendors publish of their interfaces, cut down to what rollbackd uses; and whether all that goes to and fro fits it.

``python -m tests.schemas`` derives the files anew, from the packages that `vendors` names. The table of what is published, and of
what is not, stands in README.md.
"""
