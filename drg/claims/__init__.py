"""Claims: the canonical frame and model, readers with header profiles, atomic writers, synth.

``frame`` and ``model`` do not import polars; ``readers``, ``encoding``, ``delimited`` and
``writers`` do, so import those inside functions where start-up time matters.
May import what lies below it (``drg.text``, ``errors``, ``paths``, ``dates``, ``money``) only.
"""
