"""A layer is its contract and a list of departures, and the list is complete."""

import numpy as np
import pytest

from properties import Target, certify
from properties.certificates.certificate import Certificate
from properties.contracts import contracts
from properties.departures.departure import combined
from properties.engine.diagnosis import Examination
from properties.engine.fitting import Model, fit
from properties.engine.modelled_layer import FittedLayer, ModelObserver
from properties.engine.observed_problems import observed, problems
from properties.workers.inline import Inline
from tests.mutants.registry import sounds

SHIPPED = sorted(name for name, contract in contracts().items() if contract.oracle is not None)


def quiet(number):
    """Nobody waits for a sign of life."""


def described(target, **options):
    """What a layer departs in, asked in this process."""
    layer = Inline(target)
    known = layer.describe()
    shut = frozenset(options.pop("shut", ()))
    return layer.diagnose(Examination(0, known.dtypes, shut, known.kept, known.style, **options))


@pytest.fixture(scope="module")
def published():
    domain = {"bins": (1.0, 0.5, 0.25, 0.1, 0.3)}
    layer = Target("examples/published_ghm.py:PublishedGHM", "ghm", {"width": "bins"}, {}, domain)
    return certify(layer, max_examples=15)


@pytest.mark.xdist_group("diagnosis")
class TestPublished:
    def test_every_observed_example_is_explained(self, published):
        assert published.examples > 300
        assert published.explained_examples == published.examples

    def test_nothing_that_refutes_is_left_unexplained(self, published):
        assert published.unexplained == ()

    def test_the_departures_are_those_known_by_hand(self, published):
        names = {departure["name"] for departure in published.departures}
        assert {"mean-over-count", "ignored-in-histogram", "regions-wider", "region-out-of-range"} <= names
        assert any(name.startswith("none-drops-ignored") for name in names)
        (wider,) = [d for d in published.departures if d["name"] == "regions-wider"]
        assert wider["parameters"] == {"drift": 1e-4}

    def test_each_has_a_small_case_in_which_the_layer_is_not_the_contract(self, published):
        for departure in published.departures:
            shown = departure["counterexample"]
            assert shown["problems"], departure["name"]
            assert len(shown["problems"][0]["labels"]) <= 6, departure["name"]
        (mean,) = [d for d in published.departures if d["name"] == "mean-over-count"]
        assert mean["counterexample"]["expected"] != mean["counterexample"]["got"]
        assert "lossproof" not in mean["script"].partition("\n")[2]

    def test_what_is_a_kernel_s_is_said_to_be(self, published):
        (capped,) = [d for d in published.departures if d["name"] == "losses-capped-at-64"]
        assert capped["inherited"] == "paddle.nn.functional.cross_entropy"

    def test_it_survives_json(self, published, tmp_path):
        published.write(tmp_path / "it.json")
        assert Certificate.read(tmp_path / "it.json").departures == published.departures


@pytest.mark.parametrize("backend", ["paddle", "numpy"])
def test_no_sound_loss_is_given_a_departure(backend):
    for loss in sounds(backend).values():
        found = described(Target(loss.text, loss.contract if loss.backend else None, backend=loss.backend))
        if found["examples"]:
            names = [departure["name"] for departure in found["departures"]]
            assert not [name for name in names if "capped-at-64" not in name and "slope-at-zero" not in name], loss.text


def observed_models(name, number, seed):
    """Models with so many departures of a contract that a layer could have at once, and what is observed of each."""
    contract = contracts()[name]
    rng = np.random.default_rng(seed)
    able = [d for d in contract.catalogue.values() if d.change is not None]
    chosen = [able[i].fitted() for i in rng.choice(len(able), number, replace=False)]
    if combined(chosen) is None:
        return None
    model = ModelObserver(contract, FittedLayer(tuple(chosen)))
    domain = contract.domain.only(dtype=("float64",))
    return contract, chosen, observed(problems(domain, contract, seed, 160), contract, model, quiet)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_departures_of_a_model_are_found_again(name):
    """What is fitted to a model explains all of it, with no more departures than it has."""
    for seed in range(3):
        made = observed_models(name, 1, seed)
        if made is None:
            continue
        contract, chosen, seen = made
        model = Model(contract, seen)
        found = fit(model)
        assert not model.unexplained(found), (chosen[0].name, [f.name for f in found])
        assert len(found) <= 1, (chosen[0].name, [f.name for f in found])


def test_a_contract_without_an_oracle_has_no_model():
    assert described(Target("paddle.nn:CrossEntropyLoss", "free", {"label_smoothing": "nothing"}))["examples"] == 0


def test_the_model_without_departures_is_the_oracle():
    contract = contracts()["focal"]
    for problem in problems(contract.domain.only(dtype=("float64",)), contract, 0, 20):
        np.testing.assert_array_equal(contract.model(problem, []).value, contract.answer(problem).value)


def test_an_unknown_departure_is_told_with_the_nearest_name():
    contract = contracts()["focal"]
    problem = next(problems(contract.domain.only(dtype=("float64",)), contract, 0, 20))
    with pytest.raises(ValueError, match="gamma-doubled"):
        contract.model(problem, ["gamma-doubld"])


def test_departures_that_exclude_each_other_are_refused():
    contract = contracts()["focal"]
    problem = next(problems(contract.domain.only(dtype=("float64",)), contract, 0, 20))
    with pytest.raises(ValueError, match="exclude"):
        contract.model(problem, ["mean-over-count", "mean-over-batch"])
