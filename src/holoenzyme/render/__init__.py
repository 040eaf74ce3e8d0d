"""From the model and the resolution to text; the same input gives the same bytes."""
