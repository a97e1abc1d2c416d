"""The network around this machine: routers, addresses, other machines."""
