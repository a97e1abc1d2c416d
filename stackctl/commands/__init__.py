"""One file per verb or family of verbs. A command introduces facts, checks and reports."""
