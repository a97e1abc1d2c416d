"""Answers of servers, good and bad, byte by byte."""
