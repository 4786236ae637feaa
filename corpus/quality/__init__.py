"""Quality: signals measured once (signals.py), C4's line cleaning (lines.py), rules that decide (thresholds.py)."""
