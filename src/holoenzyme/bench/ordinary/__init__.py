"""The patched compiler against one without our patches."""
