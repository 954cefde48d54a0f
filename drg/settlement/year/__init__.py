"""The year's clearing, from the months' ledgers to what each hospital still gets."""
