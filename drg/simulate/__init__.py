"""What would be if: the same claims under two schemes, and why a claim moves.

Stands above grouping and payment; reads no files (``drg.scale`` does). Importing this package loads
no polars; its modules do.
"""
