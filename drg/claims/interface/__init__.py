"""Data of other systems: the settlement list of interface 4101 and front sheets of records.

``fields`` says what each field of a list feeds, ``dictionaries`` what its codes mean; both are
tables in ``tables/interface``. ``json_text`` and ``lists`` read lists, ``rows`` turns one into a
claim, ``values`` translates the codes of front sheets, ``skeleton`` writes claims as lists.
"""
