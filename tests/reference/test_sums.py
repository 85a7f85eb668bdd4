"""Where an error scale rests on a sum, no library chooses its order: the oracles have one answer on every machine."""

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import properties
import reference
from reference import cross_entropy
from reference.elements import average, row_sums
from tests.reference import on_kernels

PACKAGES = (Path(reference.__file__).parent, Path(properties.__file__).parent)

MATRIX_PRODUCTS = {
    *("dot", "vdot", "inner", "matmul", "matvec", "vecmat", "vecdot", "tensordot", "einsum", "einsum_path", "linalg"),
    *("multi_dot", "convolve", "correlate", "cov", "corrcoef", "polyfit", "lstsq", "blas", "lapack"),
}
"""What NumPy and SciPy hand to the BLAS, which orders a sum as the processor likes it best."""

TELL = (
    "is a product of matrices, whose last digit depends on the processor's BLAS: write (a * b).sum(axis), or row_sums"
)


def products_in(source):
    """The lines of a module that hand a sum to the BLAS, each with what does it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.MatMult):
            yield node.lineno, "@"
        elif isinstance(node, ast.Attribute) and node.attr in MATRIX_PRODUCTS:
            yield node.lineno, node.attr
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            parts = {part for alias in node.names for part in alias.name.split(".")}
            parts |= set((getattr(node, "module", None) or "").split("."))
            yield from ((node.lineno, part) for part in parts & MATRIX_PRODUCTS)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_number_that_is_compared_comes_from_the_blas(package):
    files = [path for path in sorted(package.rglob("*.py")) if "_mutants" not in path.parts]
    assert len(files) > 10
    found = [
        f"{package.name}/{path.relative_to(package)}:{line}: {what} {TELL}"
        for path in files
        for line, what in products_in(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "c = a @ b",
        "a @= b",
        "c = np.dot(a, b)",
        "c = a.dot(b)",
        "c = np.einsum('ij,j', a, b)",
        "c = numpy.linalg.norm(a)",
        "from numpy import inner",
        "from numpy.linalg import norm",
        "from scipy import linalg as la",
        "import scipy.linalg.blas",
        "product = np.matmul",
    ],
)
def test_a_matrix_product_is_seen(source):
    assert list(products_in(source))


def test_a_decorator_and_a_product_of_numbers_are_none():
    assert not list(products_in("@decorated\ndef f(a, b):\n    '''a @ b'''\n    return (a * b).sum(axis=1)\n"))


rows_of_numbers = st.integers(1, 200).flatmap(
    lambda classes: st.lists(
        st.lists(st.floats(0.0, 1e300, allow_subnormal=True), min_size=classes, max_size=classes), max_size=3
    ).map(lambda rows: np.array(rows, dtype=float).reshape(len(rows), classes))
)


@given(rows_of_numbers)
def test_a_row_is_summed_with_one_rounding_in_any_layout(rows):
    due = [math.fsum(row) for row in rows]
    assert row_sums(rows).tolist() == due
    assert row_sums(np.asfortranarray(rows)).tolist() == due
    assert row_sums(rows[:, ::-1]).tolist() == due


@pytest.mark.parametrize("classes", [1, 2, 7, 99, 127, 128, 1000])
def test_shares_of_a_row_sum_to_what_they_are(classes):
    soft = np.full((2, classes), 1 / classes)
    assert average(soft, np.ones(classes)).tolist() == [math.fsum(soft[0])] * 2


def test_sums_of_what_is_no_number_or_too_large_are_those_of_floating_point():
    rows = np.array([[1.0, np.inf], [np.nan, 1.0], [np.inf, -np.inf], [1e308, 1e308]])
    np.testing.assert_array_equal(row_sums(rows), [np.inf, np.nan, np.nan, np.inf])
    assert row_sums(np.zeros((0, 3))).shape == (0,)


@pytest.mark.parametrize("soft_weight", ["paddle", "torch"])
def test_soft_labels_along_any_axis_have_the_same_answer(soft_weight):
    rng = np.random.default_rng(3)
    logits, labels, weight = rng.normal(size=(5, 254)) * 6, rng.dirichlet(np.ones(254), 5), rng.uniform(0, 2, 254)
    options = {"weight": weight, "soft_weight": soft_weight}
    along = cross_entropy(logits, labels, **options)
    across = cross_entropy(logits.T.copy(), labels.T.copy(), axis=0, **options)
    assert across.value == along.value
    for got, due in ((across.gradient, along.gradient), (across.gradient_scale, along.gradient_scale)):
        assert np.array_equal(got.T, due)


CPUINFO = "processor\t: 0\nmodel name\t: some\nflags\t\t: {}\n\nprocessor\t: 1\nflags\t\t: other\n"


@pytest.mark.parametrize(
    ("flags", "kernels"),
    [
        (
            "fpu pni sse4_2 avx avx2 fma avx512f avx512cd avx512bw avx512dq avx512vl",
            ["Prescott", "Haswell", "SkylakeX"],
        ),
        ("fpu pni sse4_2 avx avx2 fma avx512f", ["Prescott", "Haswell"]),
        ("fpu pni sse4_2 avx", ["Prescott", "Nehalem", "Sandybridge"]),
        ("fpu pni", ["Prescott"]),
        ("asimd", []),
    ],
)
def test_only_kernels_that_the_processor_can_carry_out_are_tried(flags, kernels):
    assert on_kernels.kernels_for(on_kernels.flags_of(CPUINFO.format(flags))) == kernels


def test_without_flags_there_is_no_kernel_to_try():
    assert on_kernels.flags_of("processor : 0\nBogoMIPS : 50\n") == set()


def test_a_process_is_told_its_kernel_and_nothing_of_this_ones(monkeypatch):
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX2")
    told = on_kernels.environment("Haswell", plain=False)
    assert told["OPENBLAS_CORETYPE"] == "Haswell"
    assert "NPY_DISABLE_CPU_FEATURES" not in told
    assert set(on_kernels.environment("Prescott", plain=True)["NPY_DISABLE_CPU_FEATURES"].split()) == set(
        on_kernels.simd_features()
    )


def test_every_file_that_runs_under_other_kernels_is_there():
    assert all((Path(__file__).parent / f"test_{name}.py").exists() for name in (*on_kernels.FILES, *on_kernels.EXACT))
