"""Asks Paddle layers. The only package of the checker that imports Paddle."""
