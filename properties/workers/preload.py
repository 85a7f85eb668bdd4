"""What the fork server imports once, so that a worker is ready at once: Paddle with its backend, and the laws."""

import gc
import signal
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import properties.engine.execution
    import properties.subjects.numpy_backend.backend
    import properties.subjects.paddle_backend.backend

# a worker collects its own garbage alone, and shares with the others what it does not touch
gc.collect()
gc.freeze()

# Paddle's handler of it would write a stack of C++ for everybody to see
signal.signal(signal.SIGTERM, signal.SIG_DFL)

__all__ = ["properties"]
