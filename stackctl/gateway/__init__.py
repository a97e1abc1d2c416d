"""What HAProxy has to know of the stack and of its keys, as files. Pure."""
