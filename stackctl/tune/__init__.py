"""`stackctl tune`: spaces of settings, the order in which they are tried, and what wins. Pure."""
