"""Audit: rules as rows, findings as rows. Knows claims and items, no grouper and no payment."""
