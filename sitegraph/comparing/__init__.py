"""How far two rankings agree, and how releases drift."""
