"""Frames of grouped claims to prices: route each claim, price it, rank what a cap limits."""
