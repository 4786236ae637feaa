"""The graph on disk and in memory: names, numbers, classes and arcs, compressed, checked, read without copying."""
