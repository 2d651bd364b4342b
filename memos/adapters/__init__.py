"""memOS as the frameworks of others want it: each adapter is a module, and needs the extra of its name."""
