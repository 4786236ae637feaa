"""`python -m sitegraph.cli`."""

from sitegraph.cli import main

main(prog_name="sitegraph")
