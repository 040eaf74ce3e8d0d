"""Running tests in images: raw results, not yet judged."""
