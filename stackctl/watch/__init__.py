"""What successive runs of `verify` mean: incidents, alerts, healing, uptime. Pure; the clock is an
argument."""
