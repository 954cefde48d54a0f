"""Indicators of a hospital's or region's months: defined as data, reckoned from sums, told."""
