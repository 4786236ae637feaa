"""HTML to text: parsed pages, extractors by name, and the guard that survives hostile pages."""
