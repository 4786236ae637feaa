"""Files about sites, and the preferences that ranks start from."""
