"""From priced claims to payment: ledger, month, quarter, year, budget and calendar."""
