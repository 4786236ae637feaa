"""Duplicates: shingles, signatures, candidate pairs, clusters."""
