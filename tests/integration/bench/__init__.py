"""`stackctl bench` against servers on the loopback, good ones and bad ones."""
