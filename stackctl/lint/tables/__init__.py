"""What is known of engines, models and images. Data with its sources, no logic."""
