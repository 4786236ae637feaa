"""From links, published files or arrays to a graph on disk."""
