"""Floor 0: states, queries, fits, engines, cards, the catalog, errors and safe files. Never imports torch."""
