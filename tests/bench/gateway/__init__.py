"""The door side by side with no door, with nginx and with LiteLLM."""
