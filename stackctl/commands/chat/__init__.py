"""`stackctl chat`: a question or a dialogue in the terminal.

With `--url` it runs on machines that are no box: nothing on that way imports what Windows or macOS
do not have, nor Docker.
"""
