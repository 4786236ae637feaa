"""Parts of the sample crawl's generator: each module turns written prose or a rule into captures and records."""
