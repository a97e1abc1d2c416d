"""`stackctl tls`: the certificate of the gateway. One file per verb; installing.py is what they
share."""
