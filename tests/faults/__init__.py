"""The fault harness: many producers, a whole memOS that is hit again and again, and a count of what was lost."""
