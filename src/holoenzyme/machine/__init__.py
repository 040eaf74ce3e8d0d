"""This machine: requirements that it lacks, and leftovers of the project."""
