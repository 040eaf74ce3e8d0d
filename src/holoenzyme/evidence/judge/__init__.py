"""All that judges: from what was run to a verdict. Nothing here has side effects."""
