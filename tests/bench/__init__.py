"""Performance as ratios, each of two things measured side by side: `python -m tests.bench`."""
