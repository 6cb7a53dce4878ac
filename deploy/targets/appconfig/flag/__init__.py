"""One flag of a profile of feature flags: put back alone, and its variant shared out by the percentage of its rule.

document    a version, the flag in it, its releases     rule       the percentage in the rule of a variant
looking     what serves and comes, of this flag         moving     what is written, and deployed
progressing, resolving, foretelling, examining, keeping
            one operation of a target each              target     all of them together
sharing     the same, which can be shared out
"""
