"""Proofs of service: what is asked, and what the answers are worth. Pure."""
