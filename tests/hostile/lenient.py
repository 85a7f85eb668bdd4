"""A sound loss in NumPy that takes too many or too few class weights without a word."""

import numpy as np

from tests.mutants.museum.classes import CrossEntropy


class Lenient(CrossEntropy):
    """Leaves out class weights that are too many, and begins again with the first where they are too few."""

    def check_weight_length(self, classes):
        self.weight = np.resize(self.weight, classes)
