"""Recipes: functions that return a complete pipeline."""
