"""The schedule of gates: one order for certificates, campaigns and test suites, however the gates end."""

from hypothesis import given, settings
from hypothesis import strategies as st

from properties.engine.description import Description, LawInfo
from properties.engine.gates import GateSchedule, closes, is_gate, unanswered
from properties.engine.result import LawResult
from properties.laws.conduct import ANSWERS

LAWS = ((ANSWERS, 0), ("a/one", 1), ("a/two", 2), ("a/other", 2), ("a/three", 3), ("b/free", 0), ("b/also", 0))


def info_of(law, gate):
    return LawInfo(law, "A sentence.", "formula", "error", gate, {law: [1]} if gate else {})


INFOS = {law: info_of(law, gate) for law, gate in LAWS}


@st.composite
def subjects(draw):
    """A description whose laws stand in some order, some gates missing, and which of its laws would close a gate."""
    some = draw(st.sets(st.sampled_from([law for law, _ in LAWS if law != ANSWERS])))
    laws = draw(st.permutations([ANSWERS, *sorted(some)]))
    description = Description("Layer", "focal", (), ("float64",), {}, {}, tuple(INFOS[law] for law in laws))
    return description, frozenset(draw(st.sets(st.sampled_from(laws))))


def pushed(description, closing):
    """Run every round of a schedule to its end; the schedule, and the task of each law that was asked."""
    schedule, tasks = GateSchedule(description), {}
    while gates := schedule.due():
        tasks |= {info.id: schedule.task(info, 7, 20) for info in gates}
        for info in gates:
            schedule.end(info.id, info.id in closing)
    rest = [info for info in description.laws if not is_gate(info) and schedule.asks(info)]
    return schedule, tasks | {info.id: schedule.task(info, 7, 20) for info in rest}


def pulled(description, closing, order):
    """Run laws in some order, each after the gates that it needs; the task of each law that was asked."""
    schedule, tasks = GateSchedule(description), {}

    def run(info):
        if info.id in tasks:
            return
        while gates := schedule.due(info):
            for gate in gates:
                run(gate)
        if schedule.asks(info):
            tasks[info.id] = schedule.task(info, 7, 20)
            schedule.end(info.id, info.id in closing)

    for info in order:
        run(info)
    return tasks


@settings(deadline=None)
@given(subjects(), st.randoms())
def test_whatever_order_laws_are_asked_for_in_each_draws_the_same(subject, random):
    description, closing = subject
    order = list(description.laws)
    random.shuffle(order)
    assert pulled(description, closing, order) == pushed(description, closing)[1]


@settings(deadline=None)
@given(subjects())
def test_a_law_draws_nothing_behind_a_shut_gate_nor_behind_one_that_has_not_ended(subject):
    description, closing = subject
    schedule, tasks = pushed(description, closing)
    for law, task in tasks.items():
        number = INFOS[law].gate
        ended = {g.id for g in description.laws if g.gate and law != ANSWERS and (not number or g.gate < number)}
        every = {g.id for g in description.laws if g.gate}
        assert task.shut - {ANSWERS} == ((every - ended) | (ended & closing)) - {law}
    assert set(schedule.set_aside()) == {law for law in schedule.shut if INFOS[law].gate}


@settings(deadline=None)
@given(subjects())
def test_where_the_layer_does_not_answer_nothing_else_is_asked(subject):
    description, closing = subject
    schedule, tasks = pushed(description, closing | {ANSWERS})
    assert list(tasks) == [ANSWERS]
    assert schedule.due() == []
    assert (schedule.inquiry(7), schedule.shut) == (None, {ANSWERS})
    assert [info.id for info in description.laws if schedule.asks(info)] == [ANSWERS]
    answered, tasks = pushed(description, closing - {ANSWERS})
    assert set(tasks) == {info.id for info in description.laws}
    assert answered.inquiry(7).shut == answered.shut


def test_what_closes_a_gate():
    for outcome in ("refuted", "raised", "crashed", "timed out", "undecided", "gave up"):
        assert closes(LawResult("a/one", outcome))
    for outcome in ("held", "not applicable"):
        assert not closes(LawResult("a/one", outcome))
        assert closes(LawResult("a/one", outcome, declined=True))
    assert not closes(unanswered("a/one"))
    # that we failed does not say that the layer gives no answers
    broken = "lossproof itself failed in a worker"
    assert not closes(LawResult(ANSWERS, "gave up", reason=broken))
    assert closes(LawResult("a/one", "gave up", reason=broken))
    assert closes(LawResult(ANSWERS, "refuted", reason=broken))
