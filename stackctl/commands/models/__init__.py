"""`stackctl models`: the files that engines load, from their publisher to the proof that they are
whole. One file per verb; shelf.py is what they share."""
