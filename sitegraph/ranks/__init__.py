"""From a graph on disk to the authority table."""
