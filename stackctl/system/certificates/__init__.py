"""X.509 certificates: names.py what a certificate may be for, make.py the local CA and what it
signs, read.py what others made, store.py files of the gateway, served.py what a port shows."""
