"""The linters, and the mutants that show whether tests test."""
