"""What a case is worth: weights, rates, and in time every payment mechanism.

Stands above grouping: it reads the result columns and adds its own, same rows, same order.
"""
