"""Bring up, prove and watch open models on one multi-GPU Linux box."""

__version__ = "0.1.0"
