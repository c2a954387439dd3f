"""Token budgets: given, tried, lowered."""

import numpy as np
import pytest

from cxsentiment import OptionError
from cxsentiment.encoder.budget import TRIALS, TokenBudget

LENGTHS = np.random.default_rng(0).integers(3, 40, 500)
SIZES = (200, 100, 400)


def test_a_given_budget_stays() -> None:
    budget = TokenBudget(123, SIZES)
    ((size, batches),) = budget.shares(LENGTHS)
    budget.learn(123, 1, 1.0)
    assert (size, budget.tokens) == (123, 123)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(LENGTHS)))


def test_each_size_gets_work_alike_and_nothing_is_done_twice() -> None:
    shares = TokenBudget("auto", SIZES).shares(LENGTHS)
    assert [size for size, _ in shares] == sorted(SIZES)
    held = [np.concatenate(batches) for _, batches in shares]
    assert sorted(np.concatenate(held).tolist()) == list(range(len(LENGTHS)))
    work = [LENGTHS[indices].sum() for indices in held]
    assert max(work) < 1.02 * min(work)
    for size, batches in shares:
        assert max(LENGTHS[batch].sum() for batch in batches) <= size


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [({100: 2.0, 200: 1.0, 400: 1.5}, 200), ({100: 1.02, 200: 1.01, 400: 1.0}, 100), ({100: 2.0, 200: 1.5, 400: 1.0}, 400)],
)
def test_the_fastest_is_kept_and_of_those_about_as_fast_the_smallest(seconds: dict[int, float], expected: int) -> None:
    budget = TokenBudget("auto", SIZES)
    slow_moments = {0: expected, 2: next(size for size in SIZES if size != expected)}
    for trial in range(TRIALS):
        assert len(budget.shares(LENGTHS)) == 3
        for size, took in seconds.items():
            budget.learn(size, 1000, took * (5.0 if slow_moments.get(trial) == size else 1.0))
        budget.end_trial()
    assert budget.tokens == expected
    assert len(budget.shares(LENGTHS)) == 1


def test_one_trial_at_a_time_and_none_where_it_is_not_wanted() -> None:
    budget = TokenBudget("auto", SIZES)
    assert len(budget.shares(LENGTHS, try_sizes=False)) == 1
    assert len(budget.shares(LENGTHS)) == 3
    assert [size for size, _ in budget.shares(LENGTHS)] == [SIZES[0]]
    budget.end_trial()
    assert len(budget.shares(LENGTHS)) == 3


def test_too_few_tokens_are_not_tried_with() -> None:
    budget = TokenBudget("auto", SIZES)
    ((size, _),) = budget.shares(LENGTHS[:20])
    assert size == SIZES[0]


def test_memory_that_runs_out_lowers_it_for_good() -> None:
    budget = TokenBudget("auto", SIZES)
    budget.lower(250)
    assert budget.tokens == 200
    assert [size for size, _ in budget.shares(LENGTHS)] == [100, 200]
    budget.lower(150)
    budget.end_trial()
    assert (budget.tokens, len(budget.shares(LENGTHS))) == (150, 1)
    budget.lower(1000)
    assert budget.tokens == 150


@pytest.mark.parametrize("tokens", [0, -5, "best", "100"])
def test_other_budgets_are_refused(tokens: int | str) -> None:
    with pytest.raises(OptionError, match="token_budget"):
        TokenBudget(tokens, SIZES)
