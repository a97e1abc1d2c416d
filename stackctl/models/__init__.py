"""Model files: are they what they claim to be?"""
