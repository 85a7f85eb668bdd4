"""Wrong losses after real ones, each a sound loss in NumPy or Paddle with one change."""
