"""What people read of a settlement: statements, workbooks, a page.

Reads what ``drg.settlement`` gives and decides nothing. Importing this package loads no polars; its
modules do.
"""
