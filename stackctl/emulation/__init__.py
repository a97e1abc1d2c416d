"""Tool calls for models whose engine has none: a service of its own (docs/tools.md)."""
