"""The gateway's verbs."""
