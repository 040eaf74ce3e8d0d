"""Proving images: what is run in them, and the name that only a proof gives."""
