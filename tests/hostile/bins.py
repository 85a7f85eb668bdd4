"""GHM layers that take counts of regions alone, or widths alone; some of them count ignored elements."""

import os
import signal

import paddle

from tests.mutants.sound import SoundGHM


class WidthsAlone(SoundGHM):
    """Anything above 1 is an index out of range."""

    def __init__(self, bins=0.1, weight=None, ignore_index=-100, reduction="mean", axis=1):
        if bins > 1:
            self.refuse(bins)
        super().__init__(float(min(bins, 1.0)), weight, ignore_index, reduction, axis)

    def refuse(self, bins):
        raise IndexError("list index out of range")


class WidthsAloneCounting(WidthsAlone):
    """Ignored elements are in the histogram."""

    def counted(self, valid):
        return paddle.ones_like(valid)


class WidthsThatCrash(WidthsAloneCounting):
    def refuse(self, bins):
        os.kill(os.getpid(), signal.SIGSEGV)


class WidthsInSilence(WidthsAloneCounting):
    """A width above 1 is a single region."""

    def refuse(self, bins):
        pass


class SoundWidthsInSilence(WidthsAlone):
    def refuse(self, bins):
        pass


class CountsAlone(SoundGHM):
    """Says that it takes counts."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        if isinstance(bins, float):
            raise ValueError(f"bins must be an int, got {bins}")
        super().__init__(bins, weight, ignore_index, reduction, axis)


class CountsInSilence(SoundGHM):
    """A fraction of a region is none, of which at least one is made."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(max(int(bins), 1), weight, ignore_index, reduction, axis)


class Deaf(SoundGHM):
    """Whatever bins is, there are ten regions."""

    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(10, weight, ignore_index, reduction, axis)
