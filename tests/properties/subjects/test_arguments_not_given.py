"""Arguments that a layer was never given are named, with a guess where one comes to mind."""

import inspect
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from properties import Subject, Target, certify
from properties.campaigns.law_schedule import LawSchedule
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.contracts import contract_named, contracts
from properties.engine.description import LawInfo
from properties.engine.result import LawResult
from properties.report.campaign import closing_lines
from properties.subjects.argument_guesses import ALSO_CALLED, guesses
from properties.subjects.arguments_given import at_default
from properties.subjects.arguments_not_given import default_text, not_given, notes_if_not_given
from properties.subjects.signature import REQUIRED, UNKNOWN, LayerArgument, layer_arguments, parameters_of
from tests.properties.campaigns.test_campaign import Here
from tests.properties.campaigns.test_campaign import run as campaign_of

LAYERS = "tests.hostile.ungiven"
QUICK = {"max_examples": 10, "workers": 0}
CLAIMED = {"ignored": ("none",), "rank": (2, 3), "size": ("few", "several"), "classes": (2, 3)}
"""What the layers here are right about."""


def lossproof(*words):
    return CliRunner().invoke(main, words, catch_exceptions=False, terminal_width=200)


def run(name, contract="focal", **more):
    target = {key: more.pop(key) for key in ("mapping", "settings", "domain") if key in more}
    return certify(Target(f"{LAYERS}:{name}", contract, **target), **{**QUICK, "only": ["softmax/shift"], **more})


def guess(contract, name, default=None, annotation="", how="constructor", beside=()):
    arguments = (LayerArgument(name, default, annotation, given=how), *beside)
    return guesses(contract_named(contract), arguments)[0]


@pytest.mark.parametrize(
    ("contract", "name", "default", "argument"),
    [
        ("focal", "alpha", None, "weight"),
        ("focal", "alpha", [0.25, 0.75], "weight"),
        ("focal", "alpha", 0.25, ""),
        ("ghm", "alpha", 0.75, "momentum"),
        ("cross_entropy", "class_weights", None, "weight"),
        ("cross_entropy", "cls_weight", None, "weight"),
        ("cross_entropy", "classWeights", (1.0, 2.0), "weight"),
        ("cross_entropy", "loss_weight", 1.0, ""),
        ("cross_entropy", "n_classes", 19, "num_classes"),
        ("cross_entropy", "nclass", None, "num_classes"),
        ("cross_entropy", "num_cls", 2, "num_classes"),
        ("cross_entropy", "ignore_label", 255, "ignore_index"),
        ("cross_entropy", "ignore_idx", -1, "ignore_index"),
        ("cross_entropy", "ignore_lb", 255, "ignore_index"),
        ("cross_entropy", "pad_idx", 0, "ignore_index"),
        ("cross_entropy", "ignore", False, ""),
        ("cross_entropy", "reduce", "mean", "reduction"),
        ("cross_entropy", "reduce", True, ""),
        ("cross_entropy", "size_average", True, ""),
        ("cross_entropy", "dim", -1, "axis"),
        ("cross_entropy", "label_smooth", 0.1, "label_smoothing"),
        ("cross_entropy", "epsilon", 0.1, "label_smoothing"),
        ("cross_entropy", "epsilon", 1e-12, ""),
        ("cross_entropy", "smooth", 1e-5, ""),
        ("cross_entropy", "smooth", None, ""),
        ("cross_entropy", "name", None, ""),
        ("cross_entropy", "soft_label", False, ""),
        ("sigmoid_focal", "gama", 2.0, "gamma"),
        ("focal", "focusing", 2, "gamma"),
        ("ghm", "num_bins", 30, "bins"),
        ("ghm", "nbins", 0.1, "bins"),
        ("ghm", "bin", None, "bins"),
        ("average_top_k", "topk", 0.7, "top_k"),
        ("average_top_k", "topk", 100, "k"),
        ("average_top_k", "keep_ratio", 0.5, "top_k"),
        ("average_top_k", "K", 3, "k"),
        ("cost_sensitive", "cls_num_list", None, "num_class_list"),
        ("cost_sensitive", "samples_per_cls", [1, 2], "num_class_list"),
        ("cost_sensitive", "samples_per_cls", 3, ""),
        ("free", "alpha", None, "weight"),
        ("free", "gamma", 2.0, ""),
    ],
)
def test_a_guess_is_by_name_and_default(contract, name, default, argument):
    assert guess(contract, name, default) == argument


@pytest.mark.parametrize(
    ("annotation", "argument"),
    [("", "weight"), ("Optional[list[float]]", "weight"), ("paddle.Tensor | None", "weight"), ("float | None", "")],
)
def test_an_annotation_has_a_say(annotation, argument):
    assert guess("focal", "alpha", None, annotation) == argument


@pytest.mark.parametrize(
    ("contract", "name", "argument"),
    [
        ("focal", "avg_factor", "normalizer"),
        ("focal", "num_pos", "normalizer"),
        ("sigmoid_focal", "mask", "label_weight"),
        ("sigmoid_focal", "sample_weight", "label_weight"),
        ("focal", "mask", ""),
        ("focal", "class_weight", ""),
        ("focal", "reduction_override", ""),
    ],
)
def test_with_the_call_goes_what_a_call_takes(contract, name, argument):
    assert guess(contract, name, how="call") == argument
    assert guess(contract, name, how="position") == ""


def test_no_argument_is_guessed_twice_nor_one_that_is_filled():
    both = (LayerArgument("alpha", None), LayerArgument("class_weight", None))
    assert guesses(contract_named("focal"), both) == ("", "weight")
    assert guess("focal", "alpha", beside=(LayerArgument("weight", None, fills="weight"),)) == ""


NAMES = sorted({name for names in ALSO_CALLED.values() for name in names})
DEFAULTS = (None, True, 0, 3, 0.25, 1e-5, -7, "mean", "", (), [0.5, 0.5], {}, object(), REQUIRED, UNKNOWN, np.ones(2))


@given(
    st.sampled_from(sorted(contracts())),
    st.lists(
        st.tuples(
            st.sampled_from(NAMES) | st.text(max_size=12),
            st.sampled_from(DEFAULTS),
            st.sampled_from(["", "float", "Optional[int]", "list[float]", "str", "bool", "Any"]),
            st.sampled_from(["function", "constructor", "call", "position", "build"]),
        ),
        max_size=6,
    ),
)
def test_every_argument_is_named_and_no_guess_is_impossible(name, drawn):
    contract = contract_named(name)
    arguments = tuple(LayerArgument(*parts[:3], given=parts[3]) for parts in drawn)
    found = guesses(contract, arguments)
    known = {*contract.argument_names, *contract.call_arguments, "num_classes"}
    chosen = [guess for guess in found if guess]
    assert set(chosen) <= known
    assert len(set(chosen)) == len(chosen)
    said = notes_if_not_given(contract, arguments)
    for argument in arguments:
        if argument.default is not REQUIRED:
            assert any(f"`{argument.name}` was never given" in entry["words"] for entry in said.values())
    assert not_given(said, []) == said


@pytest.mark.parametrize(
    ("value", "default", "same"),
    [
        (None, None, True),
        (2.0, 2, True),
        (0.5, 2, False),
        ("mean", "mean", True),
        ("mean", None, False),
        (None, 3, False),
        (np.ones(2), [1, 1], True),
        (np.ones(3), [1, 1], False),
        (np.ones(2), None, False),
        (None, UNKNOWN, True),
        (3, UNKNOWN, False),
        (None, REQUIRED, False),
        (1.0, object(), False),
    ],
)
def test_what_makes_no_difference_to_the_default(value, default, same):
    assert at_default(value, default) is same


def test_a_default_is_written_the_same_in_every_process():
    assert default_text(1e-5) == "1e-5"
    assert default_text(1e-12) == "1e-12"
    assert "0x" not in default_text(object())
    assert default_text(np.mean) == "mean"
    assert len(default_text(list(range(1000)))) <= 60


def test_arguments_behind_a_star_are_seen():
    def loss(*pair, alpha=None):
        pass

    def placed(logits, labels, alpha=None, /, beta=1, **more):
        pass

    assert [p.name for p in parameters_of(loss, 2)] == ["alpha"]
    assert [(a.name, a.given) for a in layer_arguments(parameters_of(placed, 2), {}, "function")] == [
        ("alpha", "position"),
        ("beta", "function"),
    ]
    assert inspect.signature(placed).parameters["more"].name not in [p.name for p in parameters_of(placed, 0)]


def test_an_argument_that_nothing_fills_is_named_with_a_guess():
    found = run("GatheredByIgnored", domain=CLAIMED, max_examples=30)
    assert found.verdict == "certified", found.gaps
    assert found.not_given["alpha"] == {
        "default": "None",
        "argument": "",
        "guess": "weight",
        "words": "`alpha` was never given: `--map alpha=weight`? It stayed at its default None",
    }
    assert found.not_given["smooth"]["words"].endswith("at its default 1e-5; `--set smooth=VALUE` fixes another")
    # a sure name is taken without a question
    assert found.not_given["avg_factor"]["argument"] == "normalizer"
    assert "gamma" not in found.not_given


def test_it_stands_on_the_screen_below_the_verdict(tmp_path):
    done = lossproof(
        *("certify", f"{LAYERS}:GatheredByIgnored", "--contract", "focal", "--max-examples", "30"),
        *(word for name, values in CLAIMED.items() for word in ("--domain", f"{name}={','.join(map(str, values))}")),
        *("--only", "softmax/shift", "--forgive-inherited", "--json", str(tmp_path / "c.json")),
    )
    # all that follows the verdict
    last = [line.strip() for line in done.output.strip().split("CERTIFIED  1 laws")[1].splitlines()[1:]]
    assert any(line.startswith("`alpha` was never given: `--map alpha=weight`?") for line in last)
    assert done.output.index("CERTIFIED  1 laws") < done.output.index("`alpha` was never given")
    assert done.exit_code == 0
    assert Certificate.read(tmp_path / "c.json").not_given["alpha"]["guess"] == "weight"


@pytest.mark.parametrize(
    "more", [{"mapping": {"alpha": "weight"}}, {"settings": {"alpha": [0.5] * 2}, "domain": {"classes": (2,)}}]
)
def test_what_is_mapped_or_set_is_given(more):
    found = run("GatheredByIgnored", only=["weights"], **more)
    assert "alpha" not in found.not_given


def test_what_is_mapped_and_never_varied_is_named_too():
    narrow = {"mapping": {"alpha": "weight"}, "domain": {"weight": ("absent",), "gamma": (2.0,)}}
    found = run("GatheredByIgnored", **narrow).not_given
    assert found["alpha"]["argument"] == "weight"
    assert found["alpha"]["words"] == "`alpha` (the contract's weight) stayed at its default None in all examples"
    assert found["gamma"]["words"] == "`gamma` stayed at its default 2.0 in all examples"
    wide = run("GatheredByIgnored", **{**narrow, "domain": {"gamma": (1.0,)}}, only=["oracle/value"]).not_given
    assert not {"alpha", "gamma"} & set(wide)


def test_of_a_function_that_takes_anything_nothing_false_is_said():
    found = run("anything", "cross_entropy").not_given
    assert set(found) == {"alpha"}
    assert set(run("anything", "cross_entropy", mapping={"ignore_label": "ignore_index"}).not_given) <= {
        "alpha",
        "ignore_label",
    }


def test_a_subject_says_what_its_functions_are_not_given():
    def build(gamma=2.0, alpha=None):
        return lambda logits, labels: logits.sum()

    def call(layer, logits, labels, normalizer=None, mask=None):
        return layer(logits, labels)

    subject = Subject("focal", build, call, arguments=("gamma", "normalizer"))
    assert [(a.name, a.fills) for a in subject.own_arguments] == [
        ("gamma", "gamma"),
        ("alpha", ""),
        ("normalizer", "normalizer"),
        ("mask", ""),
    ]
    said = notes_if_not_given(subject.resolved, subject.own_arguments)
    for name in ("alpha", "mask"):
        assert said[name]["words"] == (
            f"`{name}` was never given: it stayed at its default None; the subject's own functions take it, "
            f"and nothing hands it over"
        )
    assert [a.name for a in Subject("focal", lambda **all_of_them: None).own_arguments][:2] == ["axis", "denominator"]
    assert Subject("focal", dict, arguments=()).own_arguments == ()


def test_a_certificate_without_the_field_is_read():
    found = run("GatheredByIgnored")
    plain = found.to_dict()
    assert Certificate.from_dict(plain).to_dict() == found.to_dict()
    assert Certificate.from_dict(plain).not_given == found.not_given
    del plain["not_given"]
    for law in plain["laws"]:
        del law["given"]
    old = Certificate.from_dict(plain)
    assert (old.not_given, old.laws[0].given) == ({}, ())


def test_a_campaign_names_it_too(tmp_path):
    focal = Target(f"{LAYERS}:GatheredByIgnored", "focal", domain=CLAIMED)
    targets = (focal, Target("paddle_impl:CrossEntropyLoss", "ghm"))
    events = campaign_of(tmp_path, Here(), targets, max_examples=30, only=("softmax/shift",))
    focal, ghm = events[-1].certificates
    assert focal.not_given["alpha"]["guess"] == "weight"
    assert "reduction" not in focal.not_given
    assert (focal.gaps, focal.verdict, ghm.verdict) == ((), "certified", "incomplete")
    assert "says nothing of its own without bins" in ghm.gaps[0]
    lines = [line.plain for line in closing_lines(events[-1], None)]
    assert any(line.startswith("`alpha` was never given: `--map alpha=weight`?") for line in lines)


def test_what_the_blocks_of_a_law_were_given_adds_up():
    info = LawInfo("family/law", "formula", "A sentence.", "error", 0, {})
    course = LawSchedule(info)
    for given_then in (("weight",), ("axis",), ()):
        record = LawResult(info.id, "held", examples=3, given=given_then).to_record()
        course.add(LawResult.from_record(json.loads(json.dumps(record))))
    assert course.report().given == ("axis", "weight")
