"""Does the service call tools as clients expect it? Pure."""
