"""Lines in engines' logs that mean failure, with cause and fix.

Only lines after which an engine does not serve, or serves from the CPU: a warning that it survives
has no place here, since a known line counts as the reason why a service is not ready. What shows
anywhere else than in a log is in stackctl.catalogue.
"""
