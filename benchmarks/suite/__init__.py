"""The suite behind docs/performance.md: this project and its peers, step by step, on the same pages.

    python -m benchmarks.suite [--crawl FOLDER] [--rounds 5] [--pages N] [--only NAME ...] [--docs docs/performance.md]

Each side of a comparison is a process of its own, in an environment of its own, pinned to one core with whatever
processes it starts; both answer a line of JSON per round, so that both alternate within one invocation (serve.py,
side.py). What is compared, and how it is checked that both did the same work: comparisons.py.
"""
