"""Reports as pages of HTML that need nothing else: no script, no font, no network. Pure."""
