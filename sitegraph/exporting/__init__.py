"""A part of a graph, for other programs."""
