"""The graph at sizes from a laptop's to the whole web: built, swept, ranked, and beside peers.

    python -m benchmarks.graph series     sizes a hundredfold apart: rates, bytes, sweeps, seconds, memory by step
    python -m benchmarks.graph slice      a tenth of the hosts of a full release with all that link to them
    python -m benchmarks.graph text       releases as text: unpacked, read, imported
    python -m benchmarks.graph peers      networkx, igraph, networkit and scipy on a graph that fits them
    python -m benchmarks.graph plan       what a full release takes, worked out from what was measured

Without a name all of them run. `--quick` takes sizes for a minute, `--docs PAGE` puts the tables into a page between
its markers. Graphs are made (generator.py); every step that is timed has a process of its own and warmed kernels; rates
have their median and spread; what is compared runs in turn. Results are kept in build/bench, so parts can be run again.
"""
