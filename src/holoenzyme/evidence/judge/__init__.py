"""Judging: from steps to a verdict. Nothing here has side effects."""
