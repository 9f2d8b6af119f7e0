"""The HTML pages: what a person reads, and the small fragments that the page's script asks for."""
