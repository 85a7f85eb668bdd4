"""From bytes to problems: what Hypothesis draws, and what those bytes stand for."""
