"""The reader and the shards, measured: python -m benchmarks.reader [PART...], all parts when none is named.

    tokenizer   MB/s of the kernels, and of the tokenizers library
    encodings   bytes a token and decode rate of Parquet encodings, on real tokens
    peers       the reader beside litdata, mosaicml-streaming, Hugging Face datasets, Grain and a memory map
    features    the same loaders killed, resumed, read by two ranks, counted, and given flipped bits

Real tokens are those of the documentation crawl beside the repository (its packages have to be installed) and of the
sample, by a tokenizer trained on the same text. Where the crawl is absent, the sample stands in for it, and the tables
say so. Results are kept in build/bench/reader.json; --docs puts the tables into a page.
"""
