"""Preload: what the fork server imports once, so that workers start fast: Paddle through its backend, and the laws."""

import gc
import signal
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import properties.engine.execution
    import properties.subjects.numpy_backend.backend
    import properties.subjects.paddle_backend.backend

# collecting garbage touches objects, and memory that is touched is no longer shared between workers
gc.collect()
gc.freeze()

# Paddle's handler of this signal would print a C++ stack
signal.signal(signal.SIGTERM, signal.SIG_DFL)

__all__ = ["properties"]
