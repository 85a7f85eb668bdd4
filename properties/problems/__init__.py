"""Problems: what a loss layer is asked, and the domains that problems are drawn from."""
