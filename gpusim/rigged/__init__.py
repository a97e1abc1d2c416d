"""Tiny models with chosen behaviour, for real engines.

The weights are written by hand instead of being learnt, so an engine that computes them correctly
says exactly what the model was rigged to say: `python -m gpusim.rigged DIR`. What is tested with
them is real loading, real offloading, a real KV cache and a real answer, at a few megabytes.
"""
