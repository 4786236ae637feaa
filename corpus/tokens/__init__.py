"""Tokens: tokenizers, shard layout, manifest."""
