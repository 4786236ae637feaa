"""Headwater's corpus package: web crawls in, token shards out.

Importing it is cheap: nothing heavy is loaded until a module that needs it is imported.
"""

__version__ = "0.1.0"
