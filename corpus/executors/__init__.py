"""Executors: run the units of a stage on this machine or on a cluster."""
