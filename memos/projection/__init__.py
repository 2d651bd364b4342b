"""From the ledger outwards: keeping the projections true to it."""
