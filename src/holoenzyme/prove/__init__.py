"""Proving images: checks in containers, and the name that only a proof gives."""
