"""Carrying plans out: versions resolved, stages loaded, built and saved."""
