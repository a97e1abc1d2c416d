"""What a client of the gateway needs: its address, the models, examples to paste, the page at /.
Pure."""
