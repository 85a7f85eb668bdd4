"""An argument that --map gives to one argument of the contract fills no other, though it has another's name."""

import pytest

from properties.subjects.target import Target


class ElementWeighted:
    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def forward(self, pred, target, weight=None):
        return weight


def element_weighted(pred, target, weight=None, gamma=2.0):
    return weight


class Masked:
    def __init__(self, gamma=2.0):
        self.gamma = gamma

    def forward(self, pred, target, label_weight=None):
        return label_weight


@pytest.mark.parametrize(
    ("name", "written", "contract"),
    [
        ("ElementWeighted", "weight", "element_weight"),
        ("element_weighted", "weight", "label_weight"),
        ("Masked", "label_weight", "element_weight"),
    ],
)
def test_a_mapped_argument_of_the_call_fills_what_it_is_mapped_to_alone(name, written, contract):
    subject = Target(f"{__file__}:{name}", "sigmoid_focal", {written: contract}).load()
    assert set(subject.arguments) == {contract, "gamma"}
    assert [each.fills for each in subject.signature if each.name == written] == [contract]


def test_what_no_map_names_has_the_contract_s_own_name():
    assert "weight" in Target(f"{__file__}:ElementWeighted", "sigmoid_focal").load().arguments
