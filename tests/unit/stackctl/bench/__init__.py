"""The pure part of `stackctl bench`."""
