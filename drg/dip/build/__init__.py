"""A catalogue built from a region's own history, as the national method says (spec B.1, B.3, B.4).

``history`` keeps claims as integers, ``combinations`` counts diagnosis and procedures, ``form``
makes groups of them, ``assign`` says which claims those groups take, ``scores`` and ``types`` what
they are worth, ``builder`` does all of it. ``drg.dip.formation`` states the rules readably.
"""
