"""Grouping: claims in, groups out. The kernel for speed, the reference for truth."""
