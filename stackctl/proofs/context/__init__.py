"""Does the promised context window hold, and does the model find what is in it? Pure."""
