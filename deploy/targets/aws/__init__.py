"""What targets on AWS have in common, so that none of them has to know another.

    batching   many questions, few calls           keeping   what never changes is kept
    marking    how releases stand, as a tag        wording   AWS's words for people
    hinting    what an announcement means          split     how traffic is shared by weights
    timing     what takes too long is called off   acting   who may, and what kept something from being done

Each is used by two targets at least; what only one needs stands there. Of `keeping`, `hinting` and `wording.plain` nothing is AWS's, and
targets elsewhere use them too.
"""
