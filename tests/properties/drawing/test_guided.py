"""A search that knows more than chance: it draws from the domain, repeats itself, and finds what is rare."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from properties.contracts import contract_named, contracts
from properties.drawing.boundary_values import STEPS, boundary_logits, neighbours
from properties.drawing.encoding import MODERATE_SIZE, MOST_NUMBERS, TAIL, ExtendedEncoding
from properties.drawing.guided import KEPT, Guidance, GuidedSearch
from properties.drawing.mutation import MUTATION_BYTES, mutated
from properties.drawing.strategies import problems
from properties.engine.description import domain_of, laws_of
from properties.engine.execution import perform
from properties.engine.search import SearchOptions, run_law
from properties.engine.shrinking import effort, shrink
from properties.engine.task import Task
from properties.engine.trial import Trial
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.precision import round_to
from properties.problems.problem import Problem
from properties.problems.serialization import problem_to_dict
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.target import Target
from tests.losses.planted import PLANTED
from tests.properties.oracle_observer import OracleObserver

GHM = contract_named("ghm")
ALL = list(contracts().values())
KNOWING = Guidance((12.5, 0.03, 33.0, 5000.0), (), 20_000)
PLAIN_DRAWS = 25
ANY = Law("any/law", "Whatever is wanted.", lambda case: ())


def drawn(strategy, examples=120, number=3):
    found = []

    @seed(number)
    @settings(max_examples=examples, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(strategy)
    def collect(problem):
        found.append(problem)

    collect()
    return found


def same(one, other):
    return len(one) == len(other) and all(
        problem_to_dict(a) == problem_to_dict(b) for a, b in zip(one, other, strict=True)
    )


def strings(seek=KNOWING, domain=GHM.domain, hard_logits=GHM.hard_logits):
    return ExtendedEncoding(domain, hard_logits, seek.constants, seek.largest)


def problem_with(tail, reader=None, header=b""):
    reader = reader or strings()
    return reader.problem(header.ljust(reader.plain_length, b"\0") + bytes(tail))


def searched(name, seek, examples=400, number=1):
    planted = next(p for p in PLANTED if p.name == name)
    subject = planted.subject
    law = next(law for law in laws_of(subject.resolved) if law.id == planted.law)
    domain = domain_of(subject, tuple(subject.full_domain["dtype"]))
    trial = Trial(law, subject.resolved, NumpyObserver(subject), subject.takes, domain)
    return run_law(trial, SearchOptions(seed=number, max_examples=examples, shrinks=False, seek=seek))


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
def test_who_knows_nothing_draws_what_is_drawn_without(contract):
    plain = drawn(problems(contract.domain, contract.hard_logits), PLAIN_DRAWS)
    assert same(plain, drawn(GuidedSearch(Guidance(), contract.domain, contract.hard_logits).strategy, PLAIN_DRAWS))


def test_the_result_of_who_knows_nothing_is_the_same_but_for_the_worst():
    without, idle = searched("NeitherBranch", None, 200), searched("NeitherBranch", Guidance(), 200)
    assert (without.outcome, without.used_by_dtype) == (idle.outcome, idle.used_by_dtype)
    assert without.corpus == ()
    assert idle.corpus


def test_the_same_knowledge_and_seed_draw_the_same():
    corpus = searched("NeitherBranch", Guidance(), 200).corpus
    assert corpus
    seek = Guidance(KNOWING.constants, corpus, 300)
    one, two = (searched("ManyCauses", seek, 30) for _ in range(2))
    assert (one.examples, one.used, one.corpus) == (two.examples, two.used, two.corpus)
    assert one.corpus != searched("ManyCauses", seek, 30, number=2).corpus


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.name)
@settings(max_examples=30, database=None, deadline=None)
@given(data=st.data())
def test_any_bytes_are_a_problem_of_the_domain(contract, data):
    reader = strings(Guidance((0.25, 33.0, 1e-7), (), 600), contract.domain, contract.hard_logits)
    string = data.draw(st.binary(min_size=reader.plain_length + TAIL, max_size=reader.plain_length + TAIL))
    problem = reader.problem(string)
    assert np.array_equal(problem.logits, round_to(problem.logits, problem.dtype))
    assert np.isfinite(problem.logits).all()
    assert problem.size <= 600
    for name in ("reduction", "ignore_index", "dtype", "layout"):
        value = getattr(problem, name)
        assert value in contract.domain[name] or (name == "ignore_index" and value == -100)
    assert problem.entrywise or problem.classes in (*contract.domain["classes"], 32, 33, 34)
    if problem.targets == "hard":
        labels = problem.labels[problem.valid]
        assert ((labels >= 0) & (labels < max(problem.classes, 2))).all()


def test_a_choice_of_classes_and_a_law_of_one_regime_bind_the_search_too():
    few = GHM.domain.only(classes=[2, 3])
    assert all(problem_with([0, 0, 0, 0, 0, 0, 0, k, 0], strings(domain=few)).classes in (2, 3) for k in range(1, 9))
    assert {problem_with([0, 0, 0, 0, 0, 0, 0, k, 0]).classes for k in range(1, 9)} >= {32, 33, 34}
    ties = GHM.domain.narrowed_to({"logits": lambda regime: regime == "ties"})
    assert set(problem_with([0, 0, 1, 0, 0, 0, 0, 0, 0], strings(domain=ties)).logits.ravel()) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_neighbours_are_one_unit_away_in_the_dtype(dtype):
    exact = round_to(np.array([12.5, -7.3, 1e-3]), dtype)
    further, nearer = neighbours(exact, dtype, 1), neighbours(exact, dtype, -1)
    assert (np.abs(further) > np.abs(exact)).all()
    assert (np.abs(nearer) < np.abs(exact)).all()
    for moved in (further, nearer):
        assert np.array_equal(moved, round_to(moved, dtype))
        # nothing lies between: the middle rounds to either
        middle = round_to((moved + exact) / 2, dtype)
        assert ((middle == moved) | (middle == exact)).all()


def test_constants_become_logits_probabilities_and_losses():
    known = boundary_logits((0.03,), 4, 32.0, "float64")
    p = 1 / (1 + 3 * np.exp(-known))
    losses = -np.log(p)
    for wanted in (known, -known, p, 1 - p, losses, np.exp(known)):
        assert np.abs(wanted - 0.03).min() < 1e-12
    assert len(known) >= len(STEPS) * 6
    assert boundary_logits((1e5,), 4, 32.0, "float64").max() <= 32.0


def test_constants_reach_the_logits():
    found = drawn(GuidedSearch(KNOWING, GHM.domain, GHM.hard_logits).strategy)
    assert any((problem.logits == 12.5).any() for problem in found)
    moderate = GHM.domain.narrowed_to(
        {"logits": lambda regime: regime not in ("saturated", "huge", "offset", "near-ties")}
    )
    found = drawn(GuidedSearch(Guidance((64.0, 1e-30, 7.3)), moderate, GHM.hard_logits).strategy)
    assert any((problem.logits == 7.3).any() for problem in found)
    assert max(np.abs(problem.logits).max(initial=0.0) for problem in found) <= 50.0


def test_problems_grow_to_sizes_of_the_source_and_no_further():
    grown = [problem_with([0] * 6 + [style, 0, grow]) for style in range(3) for grow in (1, 60, 127, 200, 255)]
    assert max(problem.size for problem in grown) == KNOWING.largest
    assert {4999, 5000, 5001, 32, 33, 34} & {problem.size for problem in grown}
    many = GHM.domain.only(classes=[100])
    wide = problem_with([0] * 8 + [127], strings(Guidance((), (), 10**6), many))
    assert wide.size * 100 <= MOST_NUMBERS
    alone = GHM.domain.narrowed_to({"size": lambda size: size == "one"})
    assert problem_with([0] * 8 + [127], strings(domain=alone)).size == 1


def test_other_logits_every_time_a_crowd_repeats():
    header = bytes(strings().header_length + 1) + bytes([0, 0, *range(1, 7)])
    tiled, varied = (problem_with([0] * 6 + [style, 0, 60], header=header) for style in (0, 2))
    assert len(np.unique(tiled.rows, axis=0)) == 1
    assert len(np.unique(varied.rows, axis=0)) > 2


def test_most_mutations_of_a_crowd_are_moderate():
    reader = strings(Guidance((), (), 10**6))
    crowd = bytes(reader.plain_length + TAIL - 1) + bytes([127])
    sizes = [reader.problem(reader.limited(crowd, how)).size for how in range(1, 9)]
    assert max(sizes) <= MODERATE_SIZE
    assert reader.limited(crowd, 0) == crowd


def test_zeros_change_nothing_and_other_bytes_do():
    reader = strings()
    one, other = (bytes([value]) * (reader.plain_length + TAIL) for value in (3, 5))
    assert mutated(one, other, bytes(MUTATION_BYTES), reader) == one
    rng = np.random.default_rng(0)
    several = {mutated(one, other, rng.bytes(MUTATION_BYTES), reader) for _ in range(60)}
    assert len(several) > 40
    assert all(len(string) == len(one) for string in several)


def test_the_worst_of_each_kind_are_kept():
    seeker = GuidedSearch(Guidance(), GHM.domain, GHM.hard_logits)
    for score, _ in enumerate(drawn(seeker.strategy.map(lambda problem: seeker.note({"a": len(str(problem))})), 60)):
        assert len(seeker.worst()) <= KEPT, score
    assert len(seeker.worst()) == KEPT
    assert all(string.endswith(bytes(TAIL)) for string in seeker.worst())
    again = GuidedSearch(Guidance((), seeker.worst()), GHM.domain, GHM.hard_logits)
    assert all(problem.logits.ndim <= 6 for problem in drawn(again.strategy, 20))


def test_what_is_worst_grows_from_generation_to_generation():
    planted, corpus, used = "ManyCauses", (), []
    for generation in range(3):
        result = searched(planted, Guidance((), corpus, 12), 100, number=generation)
        corpus = result.corpus
        used.append(result.used)
    assert used[2] > used[0] > 0
    assert used[2] >= used[1]


@pytest.mark.parametrize(
    ("name", "constants"), [("NeitherBranch", (12.5,)), ("RestOfBlocks", (3000.0,)), ("OneClassTooMany", (32.0,))]
)
def test_what_chance_does_not_meet_is_found(name, constants):
    assert searched(name, None, 120).outcome == "held"
    assert searched(name, Guidance(constants, (), 6_000), 120).outcome == "refuted"


def test_a_task_passes_on_what_it_knows_and_a_crowd_shrinks_to_what_it_takes():
    planted = next(p for p in PLANTED if p.name == "NarrowCounter")
    task = Task(planted.law, 0, 200, ("float64",), seek=Guidance((), (), 3000))
    result = perform(task, planted.subject, NumpyObserver(planted.subject), lambda examples, problem: True)
    assert result.problem is not None
    assert result.problem.size == 256
    assert not result.problem.logits.any()


def test_large_problems_are_worth_more_evaluations():
    small, large = problem_with([0] * 9), problem_with([0] * 8 + [127])
    assert (effort(small), effort(large)) == (1, 2)
    trial = Trial(ANY, GHM, OracleObserver(GHM), frozenset(), GHM.domain)
    wanted = shrink(large, trial, lambda p: Finding("", (p,)) if p.size >= 7000 else None)
    assert wanted.size == 7000


def test_slow_laws_do_not_grow_and_laws_that_draw_their_own_are_left_alone():
    sizes, law = (
        [],
        Law("test/slow", "A sentence.", lambda case: sizes.append(case.observe().value.size) or (), most=60),
    )
    planted = PLANTED[0].subject
    domain = domain_of(planted, ("float64",)).narrowed_to({"reduction": lambda reduction: reduction == "none"})
    trial = Trial(law, planted.resolved, NumpyObserver(planted), planted.takes, domain)
    run_law(trial, SearchOptions(seek=Guidance((), (), 10**5)))
    assert max(sizes) <= 240


def test_one_hot_labels_over_a_divisor_of_zero_are_held_against_nothing():
    contract = contract_named("cross_entropy")
    law = next(law for law in laws_of(contract) if law.id == "limit/one-hot-is-hard")
    config = {"label_smoothing": 0.1, "soft_weight": "torch", "denominator": "weights"}
    weight = np.array([0.0, 1.0, 1.0])
    problem = Problem(np.array([[16.0, 1.0, -1.0]]), np.array([0]), weight=weight, config=config)
    subject = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy").load()
    trial = Trial(law, contract, NumpyObserver(subject), subject.takes, contract.domain)
    assert trial.finding(problem) is None
    assert trial.finding(problem.replace(weight=weight + 1.0)) is None
