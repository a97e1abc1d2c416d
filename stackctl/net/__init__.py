"""The way from a client to the gateway, hop by hop: what is so, what is wrong with it. Pure."""
