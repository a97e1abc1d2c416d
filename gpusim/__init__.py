"""Simulated NVIDIA GPUs: a mock driver behind the real container paths. See docs/gpusim.md."""
