"""`stackctl net` and its own verbs."""
