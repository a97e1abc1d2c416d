"""`stackctl tune ROLE`: one candidate after the other, and the former settings in the end."""
