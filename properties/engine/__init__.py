"""One law on one subject: search, shrink, explain, attribute, write."""
