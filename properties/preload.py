"""What the fork server imports once, so that a worker is ready at once: Paddle through the adapter, and the laws."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import properties.paddle_adapter
    import properties.work

__all__ = ["properties"]
