"""The host itself, one small reader per outside thing; each takes the root it reads below."""
