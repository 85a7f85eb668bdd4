"""Records that are only ever added, whatever happens to the process."""
