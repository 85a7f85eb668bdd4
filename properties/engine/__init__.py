"""One law on one subject: search, shrink, explain, write, attribute."""
