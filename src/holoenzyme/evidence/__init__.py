"""From raw output and oracles to outcomes and records."""
