"""This machine: what it lacks, and what the project left on it."""
