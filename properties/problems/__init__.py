"""What may be asked of a loss layer: problems, and the domains that they are drawn from."""
