"""Models of departures: neutral settings give the oracle's answer, departures change it, slopes are derivatives."""

from functools import cache

import numpy as np
import pytest

from properties.contracts import contracts
from properties.departures.conditions import CONDITIONS, in_words
from properties.departures.departure import Refused, active, combined, exclusive
from properties.departures.general import GENERAL
from properties.departures.model import modelled
from properties.engine.observed_problems import problems
from properties.errors import ContractError
from properties.judging.observation import Observation
from properties.judging.tolerance import judge
from reference.top_k import count_of

CONTRACTS = contracts()

MODELLED = {
    name: CONTRACTS[name]
    for name in sorted(CONTRACTS, key=lambda name: (name not in ("cross_entropy", "sigmoid_focal"), name))
    if CONTRACTS[name].oracle is not None
}

ABOUT_SLOPES = {"slopes", "values", "detached", "descent", "ties"}
"""Settings that part the gradient from the value, or make a difference where there is none."""


def _same(entropy, problem):
    return entropy, np.ones_like(entropy)


def _gamma(problem):
    return float(problem.config["gamma"])


def _k(problem):
    return count_of(problem.config.get("top_k"), problem.config.get("k"), int(problem.valid.sum()))


NEUTRAL = {
    "cross_entropy": ({"entropy": (_same,)}, {"element": (_same,)}),
    "cost_sensitive": ({"entropy": (_same,)},),
    "focal": ({"entropy": (_same,)}, {"power": _gamma}, {"element": (_same,)}),
    "ghm": ({"width": lambda width: width}, {"entropy": (_same,)}),
    "sigmoid_ghm": ({"width": lambda width: width},),
    "ghm_regression": ({"width": lambda width: width},),
    "sigmoid_focal": ({"power": _gamma},),
    "average_top_k": ({"k": _k}, {"entropy": (_same,)}),
}
"""Settings that change nothing, and have the contract's own parts compute the losses."""


@cache
def asked(name):
    """Problems of a contract, in float64, with what its oracle answers; those with fewest numbers first."""
    contract = CONTRACTS[name]
    domain = contract.domain.only(dtype=("float64",))
    found = []
    for problem in problems(domain, contract, seed=5, count=260, takes=contract.call_arguments):
        if problem.config.get("momentum"):
            # the models know of one batch alone
            continue
        try:
            found.append((problem, contract.answer(problem)))
        except ContractError:
            continue
    return sorted(found, key=lambda each: each[0].logits.size)


def shown(answer):
    return Observation(answer.value, answer.gradient, answer.value.shape, "float64", "float64")


def answered(contract, problem, settings):
    with np.errstate(all="ignore"):
        try:
            return modelled(contract.loss, problem, settings)
        except (ContractError, ValueError, TypeError, ArithmeticError):
            return None


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        pytest.param(name, settings, id=f"{name}-{'-'.join(settings)}")
        for name in MODELLED
        for settings in (*NEUTRAL.get(name, ()), {"added": (lambda divisor, problem: divisor,)})
    ],
)
def test_neutral_settings_give_the_oracles_answer(name, settings):
    told = 0
    for problem, due in asked(name)[::3]:
        found = answered(CONTRACTS[name], problem, settings)
        if found is None or not (found.decided and due.decided) or due.alternatives:
            continue
        told += 1
        # the layer that answers as the oracle does agrees with the model
        assert judge(shown(due), found, "float64").holds, problem
    assert told > 12


def _own():
    """Every departure with a model, once; of those that any contract has the name alone."""
    general = {departure.name for departure in GENERAL}
    found = {
        ("" if departure in GENERAL else name, departure.name): departure
        for name, contract in MODELLED.items()
        for departure in contract.catalogue.values()
        if departure.change is not None
    }
    seen = set()
    for (name, departure), one in found.items():
        if (departure, one.sentence) not in seen and (not name or departure not in general):
            seen.add((departure, one.sentence))
            yield pytest.param(name, departure, id=f"{name}-{departure}")


def _finite(answer):
    numbers = np.concatenate([answer.value.reshape(-1), answer.gradient.reshape(-1)])
    return bool(np.isfinite(numbers).all() and (np.abs(numbers) < 1e6).all())


def _differences(contract, problem, settings, step=1e-5):
    """The slopes of a model's value by central differences."""
    up = 1.0 if problem.cotangent is None else np.asarray(problem.cotangent)
    slopes = np.zeros(problem.logits.size)
    for place in range(problem.logits.size):
        found = []
        for sign in (1.0, -1.0):
            logits = problem.logits.copy()
            logits.reshape(-1)[place] += sign * step
            answer = answered(contract, problem.replace(logits=logits), settings)
            found.append(np.nan if answer is None else float((answer.value * up).sum()))
        slopes[place] = (found[0] - found[1]) / (2.0 * step)
    return slopes.reshape(problem.logits.shape)


def _smooth(problem):
    return (
        problem.logits.size <= 12 and np.isfinite(problem.logits).all() and np.abs(problem.logits).max(initial=0) < 30
    )


UNTOLD = (
    "ignored-count-as-targets",
    "alpha-at-one-half",
    "alpha-a-quarter-for-none",
    "k-in-float32",
    "k-rounded-down",
    "average-",
    "norm-",
)
"""Where a contract's oracle refuses what such a layer answers, or drawn problems are none of these: an alpha of None, a
fraction whose product rounds the other way, momentum, norms that have a sign or are those of the other classes."""


@pytest.mark.parametrize(("name", "departure"), [p for p in _own() if not p.values[1].startswith(UNTOLD)])
def test_a_departure_changes_the_answer_and_its_slopes_are_those_of_its_value(name, departure):
    holders = [name] if name else [each for each in MODELLED if departure in CONTRACTS[each].catalogue]
    told = (
        _told(CONTRACTS[holder], fitted)
        for holder in holders
        for fitted in _valued(CONTRACTS[holder].catalogue[departure])
    )
    assert any(told), "no observed problem tells of it"


def _valued(departure):
    """A departure with each of its values."""
    values = [{name: value} for name, tried in departure.parameters.items() for value in tried] or [{}]
    return [departure.fitted(**each) for each in values]


def _told(contract, fitted):
    """Whether a departure changes an answer; its slopes must be those of its value where it changes both."""
    changed, alike, compared = {"value": 0, "gradient": 0}, 0, 0
    for problem, due in asked(contract.name):
        if not active([fitted], problem):
            continue
        try:
            found = answered(contract, problem, fitted.settings)
        except Refused:
            return True
        if found is None:
            continue
        if "precision" in fitted.settings and (found.value_scale > 1e3 * due.value_scale).any():
            return True
        values = not judge(shown(found), due, "float64", gradient=False).holds
        slopes = not judge(shown(found), due, "float64", value=False).holds
        changed["value"] += values
        changed["gradient"] += slopes
        if changed["value"] + changed["gradient"] > 60 or compared == 4:
            break
        shaped = problem.cotangent is None or np.shape(problem.cotangent) == found.value.shape
        if values and slopes and _smooth(problem) and shaped and _finite(found) and found.decided:
            compared += 1
            differences = _differences(contract, problem, fitted.settings)
            room = 1e-5 * (1.0 + np.abs(found.gradient).max()) + 1e-7
            with np.errstate(invalid="ignore"):
                alike += bool((np.abs(differences - found.gradient) <= room).all())
    if all(changed.values()) and not ABOUT_SLOPES & set(fitted.settings):
        # beside a kink, or a jump, differences are no slopes
        assert 2 * alike >= compared, (alike, compared)
    return any(changed.values())


@pytest.mark.parametrize("name", MODELLED)
def test_names_are_unique_and_sentences_say_their_parameters(name):
    contract = CONTRACTS[name]
    names = [departure.name for departure in (*contract.departures, *GENERAL)]
    assert len(names) == len(set(names)), [each for each in names if names.count(each) > 1]
    for departure in contract.catalogue.values():
        for parameter, values in departure.parameters.items():
            said = {departure.fitted(**{parameter: value}).sentence for value in values}
            assert len(said) == len(values), departure.name
        sentence = departure.fitted().sentence
        assert sentence.endswith(".")
        assert not {"{", "}"} & set(sentence)


def test_of_exclusive_departures_none_is_combined():
    known = CONTRACTS["cross_entropy"].catalogue
    count, batch = known["mean-over-count"].fitted(), known["mean-over-batch"].fitted()
    assert combined([count, batch]) is None
    assert exclusive([count, batch])
    assert not exclusive([count.only("weighted"), batch.only("unweighted")])
    assert exclusive([count.only("weighted"), batch.only("weighted")])
    with pytest.raises(ValueError, match="exclude each other"):
        CONTRACTS["cross_entropy"].model(asked("cross_entropy")[0][0], [count, batch])
    both = combined([known["softmax-twice"].fitted(), known["temperature"].fitted(temperature=2.0)])
    assert both is not None
    assert len(both["logits"]) == 2


def test_a_condition_limits_a_departure():
    contract = CONTRACTS["cross_entropy"]
    everywhere = contract.catalogue["softmax-twice"].fitted()
    limited = everywhere.only("weighted")
    assert limited.sentence == (
        "Probabilities are taken for logits: the softmax is taken twice - where there are class weights alone."
    )
    for problem, due in asked("cross_entropy")[:60]:
        found = contract.model(problem, [limited])
        expected = due if problem.weight is None else contract.model(problem, [everywhere])
        np.testing.assert_array_equal(found.value, expected.value)
    with pytest.raises(ValueError, match="no condition"):
        contract.catalogue["softmax-twice"].fitted(where="sometimes")


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_a_clause(name):
    assert in_words(name).startswith("where ")
    assert any(CONDITIONS[name][1](problem) for each in MODELLED for problem, _ in asked(each))
