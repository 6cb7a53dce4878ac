"""Two environments of Beanstalk of which one at a time has the name by which people come: blue and green, by a swap of CNAMEs.

A release is deployed where nobody comes, and serves once its environment gets the name (``SwapEnvironmentCNAMEs``). What served stands
beside it, untouched, until somebody deploys over it or terminates it; so long the way back is another swap.

A swap is its own opposite: made twice it is undone. Beanstalk offers no compare-and-set and no idempotency, so who has the name is
looked at right before and right after; and a swap whose answer was lost is read, and never sent again on its own account.

    pairing      which of the two has the name, since when, and what runs in both
    standing     whether the other one could have it
    swapping     the decision, and the call       progressing      how far it is
    foretelling  what would follow                examining        what there is to be said before it is needed
    way          all of them together

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.CNAMESwap.html
"""
