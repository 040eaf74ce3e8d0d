"""From stages to a graph with input hashes, and the action for each."""
