"""Site graph: hosts, links between them, and ranks."""
