"""Language models that memOS itself asks; nothing here is imported unless one is set."""
