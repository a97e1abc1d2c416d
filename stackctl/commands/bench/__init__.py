"""`stackctl bench`: measure, list what was measured, compare two of them."""
