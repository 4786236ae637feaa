"""The data flow: one file per stored result."""
