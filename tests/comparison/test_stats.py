"""The statistics against baycomp, against naive sums, and against simulated truth."""

import math

import baycomp
import numpy as np
import pytest
from scipy import integrate, special

from renorm.comparison.stats import (
    Posterior,
    claim,
    corrected_t_test,
    correlated_t,
    holm,
    repeats_needed,
)
from renorm.testing import assert_close, rng


def naive_density(t, df, mean, scale):
    z = (t - mean) / scale
    log = special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * math.log(df * math.pi) - math.log(scale)
    return math.exp(log - (df + 1) / 2 * math.log1p(z * z / df))


@pytest.mark.parametrize(("folds", "runs", "rope"), [(5, 3, 0.01), (10, 10, 0.03), (3, 1, 0.2), (7, 2, 0.0)])
def test_probabilities_are_those_of_baycomp(folds, runs, rope):
    random = rng(f"baycomp {folds} {runs}")
    x, y = random.normal(0.8, 0.05, folds * runs), random.normal(0.81, 0.05, folds * runs)
    better, equivalent, worse = correlated_t(y - x, 1 / (folds - 1)).probabilities(rope)
    want = baycomp.CorrelatedTTest.probs(x, y, rope=rope, runs=runs)
    got = (worse, equivalent, better) if rope else (worse, better)
    assert_close(got, want, op="reduction")


def test_probabilities_and_interval_are_areas_under_the_density():
    d = rng("areas").normal(0.02, 0.05, 15)
    ratio, rope = 0.25, 0.01
    n = len(d)
    mean = sum(d) / n
    variance = sum((v - mean) ** 2 for v in d) / (n - 1)
    scale = math.sqrt(variance * (1 / n + ratio))
    area = lambda a, b: integrate.quad(naive_density, a, b, args=(n - 1, mean, scale))[0]  # noqa: E731
    post = correlated_t(d, ratio)
    assert_close(post.probabilities(rope), [area(rope, np.inf), area(-rope, rope), area(-np.inf, -rope)], op="root")
    low, high = post.interval(0.9)
    assert_close([area(-np.inf, low), area(low, high)], [0.05, 0.9], op="root")


def test_far_tails_keep_their_digits():
    post = Posterior(0.5, 0.001, 49)
    assert 0 < post.below(-0.01) < np.finfo(np.float64).eps ** 2
    assert_close(post.below(-0.01), Posterior(-0.5, 0.001, 49).above(0.01), op="exact")


@pytest.mark.parametrize(
    ("constant", "want"), [(0.0, (0, 1, 0)), (0.01, (0, 1, 0)), (-0.01, (0, 1, 0)), (0.02, (1, 0, 0)), (-0.3, (0, 0, 1))]
)
def test_no_variance_is_a_point(constant, want):
    post = correlated_t(np.full(6, constant), 0.25)
    assert post.probabilities(0.01) == want
    assert post.interval(0.95) == (constant, constant)


def test_rounding_is_no_variance():
    d = np.array([0.1 + 0.2, 0.3, 0.3]) - 0.3
    assert np.ptp(d) > 0
    assert correlated_t(d, 0.25).probabilities(0.01) == (0, 1, 0)


def test_cross_check_is_the_rope_free_reading():
    d = rng("nadeau").normal(0.01, 0.03, 20)
    post = correlated_t(d, 1 / 4)
    t, p = corrected_t_test(d, 1 / 4)
    assert_close(p, 2 * min(post.above(0), post.below(0)), op="reduction")
    assert_close(t, np.mean(d) / math.sqrt(np.var(d, ddof=1) * (1 / 20 + 1 / 4)), op="reduction")
    assert corrected_t_test(np.zeros(4), 0.2) == (0.0, 1.0)
    assert corrected_t_test(np.full(4, -2.0), 0.2) == (-math.inf, 0.0)


def test_one_difference_is_refused():
    with pytest.raises(ValueError, match="at least 2 differences"):
        correlated_t([0.1], 0.25)


def test_claim_is_the_most_probable_with_its_error():
    word, chance = claim((0.7, 0.2, 0.1))
    assert word == "better"
    assert_close(chance, 0.3, op="reduction")
    assert claim((0.1, 0.2, 0.7))[0] == "worse"
    word, chance = claim((0.2, 0.6, 0.2))
    assert word == "equivalent"
    assert_close(chance, 0.4, op="reduction")


def naive_holm(errors, level):
    """By the definition: the k smallest are accepted, where each of them passes at its own step."""
    alpha, m = 1 - level, len(errors)
    ordered = sorted(errors)
    k = 0
    while k < m and 2 * ordered[k] <= alpha / (m - k):
        k += 1
    return [e in ordered[:k] for e in errors]


def test_holm_is_its_definition():
    random = rng("holm")
    for _ in range(200):
        errors = list(random.beta(0.15, 2.0, size=int(random.integers(1, 12))))
        accepted, required = holm(errors, 0.95)
        assert accepted == naive_holm(errors, 0.95)
        for e, a, r in zip(errors, accepted, required, strict=True):
            assert a == (1 - e >= r), "required is what decides"
    assert holm([], 0.95) == ([], [])


def test_single_comparison_needs_two_sided_level():
    assert holm([0.026], 0.95)[0] == [False]
    assert holm([0.024], 0.95)[0] == [True]


def test_repeats_needed_is_the_first_that_decides():
    d = rng("repeats").normal(size=10)
    d = 0.05 + 0.03 * (d - d.mean()) / d.std(ddof=1)
    options = {"folds": 5, "ratio": 0.25, "rope": 0.01, "required": 0.99}
    need = repeats_needed(d, **options)
    assert need is not None and need > 2

    def probability(repeats):
        n = 5 * repeats
        scale = np.std(d, ddof=1) * math.sqrt(1 / n + 0.25)
        return max(Posterior(float(np.mean(d)), scale, n - 1).probabilities(0.01))

    assert probability(need) >= 0.99 > probability(need - 1)


def test_no_repeats_where_rows_are_lacking():
    d = rng("rows").normal(0.0, 0.2, 20)
    assert repeats_needed(d, folds=5, ratio=0.25, rope=0.01, required=0.99) is None


def correlated_differences(random, n, ratio, size):
    """The model behind the test: equal variances, correlation rho = ratio / (1 + ratio) between splits."""
    rho = ratio / (1 + ratio)
    shared = random.normal(size=(size, 1))
    return math.sqrt(rho) * shared + math.sqrt(1 - rho) * random.normal(size=(size, n))


def test_family_keeps_its_level_under_the_null():
    # rope 0 is the hardest null: nothing is equivalent, every verdict is wrong
    random, runs, family = rng("null"), 1500, 8
    wrong = 0
    for _ in range(runs):
        d = correlated_differences(random, 20, 0.25, family)
        errors = [claim(correlated_t(row, 0.25).probabilities(0.0))[1] for row in d]
        wrong += any(holm(errors, 0.95)[0])
    # 5 % nominal; above 4 standard errors the control is broken, below 2 % it would be idle
    assert 0.02 < wrong / runs < 0.05 + 4 * math.sqrt(0.05 * 0.95 / runs)


def test_interval_covers():
    random, runs = rng("cover"), 2000
    d = correlated_differences(random, 15, 1 / 9, runs)
    hits = sum(low <= 0 <= high for low, high in (correlated_t(row, 1 / 9).interval(0.95) for row in d))
    assert abs(hits / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs)
