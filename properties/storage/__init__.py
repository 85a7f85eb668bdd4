"""What is written to disk and read from it: whole or not at all, never through a link, and as data alone."""
