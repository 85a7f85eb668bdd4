"""Strategies: the Hypothesis strategy that draws problems of a domain.

Drawing one number at a time costs Hypothesis more than checking the whole problem. So a problem is one string of bytes,
which :mod:`properties.drawing.decoding` reads.
"""

from __future__ import annotations

from functools import lru_cache

from hypothesis import strategies as st

from properties.drawing.decoding import ELEMENT_BYTES, MOST_BLOCKS, decode, header_length, number_of_blocks
from properties.drawing.regimes import HardLogits
from properties.problems.domain import Domain
from properties.problems.problem import Problem


@st.composite
def problems(draw: st.DrawFn, domain: Domain, hard_logits: HardLogits | None = None) -> Problem:
    """Draw problems of a domain: any rank, class axis, mask, weights, dtype, layout and regime of logits in it."""
    head = header_length(domain)
    drawn = draw(_bytes(head + 1 + ELEMENT_BYTES * MOST_BLOCKS))
    header, count, blocks = drawn[:head], drawn[head], drawn[head + 1 :]
    n = number_of_blocks(header, count, domain)
    return decode(header, [blocks[ELEMENT_BYTES * i : ELEMENT_BYTES * (i + 1)] for i in range(n)], domain, hard_logits)


@lru_cache
def _bytes(length: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=length, max_size=length)
