"""Web graphs as Common Crawl publishes them: text files, gzip, hundreds of millions of nodes, billions of arcs.

    textblocks   a file as blocks of whole lines, inflated in a thread of its own
    vertices     `id<TAB>reversed_name[<TAB>n_hosts]` -> names as Arrow arrays
    edges        `from<TAB>to` -> arrays of source and target ids
    ranksfile    `#harmonicc_pos #harmonicc_val #pr_pos #pr_val #host_rev [#n_hosts]` -> tables
    merge        a ranks file and a graph's names -> scores by id
    digits       numbers as bytes
    textout      the three kinds of file, written

The layout is that of cc-pyspark (`hostlinks_to_graph.py`) and cc-webgraph (`process_webgraph.sh`, `JoinSortRanks`):
tab-separated, reversed names in the order of their bytes, ids dense from 0 in that order, edges ascending by from and
to. A release has one file or a folder of parts of each kind; either is read as a sequence of paths. Every line is
checked, since a graph with arcs between the wrong nodes looks like any other.
"""
