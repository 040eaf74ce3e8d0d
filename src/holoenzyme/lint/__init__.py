"""The linters, and the mutants that show whether tests find what they are for."""
