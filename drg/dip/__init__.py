"""Payment by diagnosis-intervention packet (DIP, 按病种分值付费): catalogue, match, score.

A catalogue is data (``tables/dip/<id>``): ``grammar`` reads its group codes, ``model`` is what it
is in memory, ``reference`` matches claims slowly and tells why, the kernel matches them fast.
"""
