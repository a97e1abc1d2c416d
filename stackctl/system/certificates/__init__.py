"""X.509: names.py what a certificate may be for, make.py the local CA and what it signs, read.py
what others made, chain.py whether that can serve, authority.py and store.py the files, served.py
what a port shows."""
