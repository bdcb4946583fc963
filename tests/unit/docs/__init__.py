"""The documentation says what is so: links lead somewhere, snippets run, and what is drawn from code is current."""
