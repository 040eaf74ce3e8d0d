"""From cells to a graph of stages with input hashes, and what is to be done for each."""
