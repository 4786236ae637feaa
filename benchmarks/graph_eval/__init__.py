"""How well each rank tells good sites from spam, on planted graphs and on the real tables that are at hand.

    python -m benchmarks.graph_eval [--sites 50000] [--rounds 3] [--only spam growth ...] [--out report]

A planted graph (planted.py) is a web of good sites (web.py) with farms in it (farms.py); a ranker (rankers.py) gives
each node its scores; metrics.py says how far they put good above spam; experiments.py varies one thing at a time;
labelling.py learns from labelled sites; real.py holds the ranks against published ones. Everything is drawn from seeds:
the same command gives the same report.

The generator is calibrated to published figures (calibration.py says which, and how near it comes), not to results.
Still, a planted farm is what its planter thinks of: figures on such graphs say which rank breaks first and by what, not
how much spam is left on the real web.
"""
