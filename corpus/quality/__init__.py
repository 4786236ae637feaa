"""Quality signals, computed once, and thresholds, which decide later."""
