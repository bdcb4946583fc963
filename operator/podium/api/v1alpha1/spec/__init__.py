"""One module for each part of `spec`. Whatever is not about a field belongs elsewhere."""
