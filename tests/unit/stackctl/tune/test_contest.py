"""The order of candidates, what they are worth, who wins, and what is kept."""

from __future__ import annotations

import json

import pytest

from stackctl.bench import summary
from stackctl.bench.result import Result, Run
from stackctl.tune import judge, search, tables, trial
from stackctl.tune.contest import Contest
from stackctl.tune.page import page
from stackctl.tune.space import Choice, Goal, Load, Objective, Setting
from stackctl.tune.trial import Trial
from tests.unit.stackctl.bench import samples

SETTINGS = (Setting("max-num-seqs", (1, 2)), Setting("context", (3, 4)))
FAST = Objective(Goal.THROUGHPUT)
SHORT = Objective(Goal.LATENCY)
LOAD = Load(100, 11, (1, 4))


def measured(slower: float = 1.0, seed: int = 0, levels: tuple[int, ...] = (1, 4)) -> Run:
    """A server that is slower by a factor, under noise of 5 %."""
    return samples.run(*(summary.step(samples.volley(n, 40, slower, seed + n), n) for n in levels))


def tried(name: str, run: Run | None = None, why: str = "") -> Trial:
    result = Result(name, 0.0, "0", 7, 100, 11, None, "", (run,)) if run else None
    return Trial(name, name, 1.0, 2.0, why, result)


def walked(walk: search.Walk, winners: tuple[Choice, ...]) -> list[Choice]:
    found: list[Choice] = []
    best: Choice = {}
    try:
        choice = next(walk)
        while True:
            found.append(choice)
            best = choice if choice in winners else best
            choice = walk.send(best)
    except StopIteration:
        return found


def test_one_setting_after_the_other_with_the_best_so_far() -> None:
    assert walked(search.one_by_one(SETTINGS), ({"max-num-seqs": 1},)) == [
        {"max-num-seqs": 1},
        {"max-num-seqs": 2},
        {"max-num-seqs": 1, "context": 3},
        {"max-num-seqs": 1, "context": 4},
    ]
    assert walked(search.one_by_one(SETTINGS), ())[2:] == [{"context": 3}, {"context": 4}]
    assert search.most(SETTINGS, whole=False) == 4


def test_every_value_with_every_other() -> None:
    found = walked(search.grid((*SETTINGS, Setting("args", ("", "--x", "--y")))), ())
    assert len(found) == search.most((*SETTINGS, Setting("args", ("", "--x", "--y"))), whole=True)
    assert {"max-num-seqs": 2, "context": 3, "args": "--x"} in found


@pytest.mark.parametrize("objective", [FAST, SHORT])
def test_a_real_difference_wins_and_noise_does_not(objective: Objective) -> None:
    contest = Contest(objective, LOAD, 10)
    contest.enter({}, tried("current", measured()))
    assert contest.enter({"context": 1}, tried("same", measured(seed=50))).verdict == "noise"
    assert not contest.won
    better = contest.enter({"context": 2}, tried("faster", measured(1 / 1.5, seed=60)))
    assert better.verdict == "better"
    assert better.against
    assert better.against.gain == pytest.approx(1.5, rel=0.03)
    assert better.against.low < 1.5 < better.against.high
    # against the best, not against the current settings
    assert contest.enter({"context": 3}, tried("later", measured(1 / 1.2, seed=70))).verdict == (
        "worse"
    )
    assert contest.best is better
    assert tables.rows(contest)[2][-1] == "BEST"


def test_costs_are_those_of_the_figures() -> None:
    """A request's cost is the reciprocal of tokens/s, and the time of a whole answer."""
    run = measured()
    fast, short = judge.score(run, FAST, LOAD), judge.score(run, SHORT, LOAD)
    assert isinstance(fast, judge.Score)
    assert isinstance(short, judge.Score)
    assert fast.step.concurrency == 4
    mean = sum(fast.costs) / len(fast.costs)
    assert fast.value == pytest.approx(1 / mean, rel=0.05)
    # 0.1 s and ten tokens of 0.01 s each
    assert short.value == pytest.approx(0.2, rel=0.05)
    # of half as many tokens, a full answer takes as long
    longer = judge.score(run, SHORT, Load(100, 21, (1, 4)))
    assert isinstance(longer, judge.Score)
    assert longer.value == pytest.approx(0.3, rel=0.05)


def test_what_is_over_the_limit_does_not_win() -> None:
    strict = Objective(Goal.THROUGHPUT, ttft_p95_ms=130)
    contest = Contest(strict, LOAD, 10)
    slow = contest.enter({}, tried("current", measured(2.0)))
    assert (slow.verdict, slow.score) == ("over the limit", None)
    assert "TTFT p95 is 2" in slow.why
    assert "130 are allowed" in slow.why
    assert tables.verdict(contest).startswith("no candidate is within the limits")
    # the first that keeps them wins, whatever it is worth
    contest.enter({"context": 1}, tried("good", measured()))
    assert contest.won
    assert "current settings are over the limit" in tables.verdict(contest)


def test_what_fails_is_a_result() -> None:
    contest = Contest(FAST, LOAD, 2)
    contest.enter({}, tried("current", measured()))
    contest.enter({"context": 1}, tried("crash", why="out of memory"))
    contest.refuse({"context": 2}, tried("refused", why="not a flag of it"))
    assert [entry.verdict for entry in contest.entries] == ["current", "failed", "refused"]
    assert list(tables.reasons(contest)) == [
        "1: crash: failed: out of memory",
        "2: refused: refused: not a flag of it",
    ]
    assert tables.verdict(contest) == "the current settings are the best of 1 that were measured"
    shown = page("coder", "GPU 0 <x>", contest)
    assert "GPU 0 &lt;x&gt;" in shown
    assert "out of memory" in shown
    json.dumps(tables.body(contest))


def test_a_box_that_changed_meanwhile_has_no_winner() -> None:
    contest = Contest(FAST, LOAD, 5)
    contest.enter({}, tried("current", measured(2.0)))
    contest.enter({"context": 1}, tried("faster", measured(1.0, seed=20)))
    contest.once_more(tried("again", measured(2.0, seed=30)))
    assert (contest.won, contest.doubt) == (True, "")
    contest.once_more(tried("again", measured(1.0, seed=40)))
    assert contest.best is contest.current
    assert "times better than at first" in tables.verdict(contest)


def test_how_many_requests_it_takes() -> None:
    assert judge.fewest(1) == 8
    few = judge.fewest(20)
    assert 8 < few < 16
    assert (
        judge.duel(
            score(tuple(range(1, few + 1))), score(tuple(range(few + 1, 2 * few + 1))), 20
        ).verdict
        == "better"
    )


def score(costs: tuple[float, ...]) -> judge.Score:
    return judge.Score(measured().steps[0], 1.0, costs)


def test_a_trial_is_kept() -> None:
    again = trial.load(trial.dump(tried("a", measured())))
    assert (again.key, again.why, again.seconds) == ("a", "", 2.0)
    # what was rounded once stays as it is
    assert trial.load(trial.dump(again)) == again
    assert again.run
    assert len(again.run.steps[1].samples.ttft) == 40
    assert trial.load(trial.dump(tried("b", why="no"))) == tried("b", why="no")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "measured": 0}'])
def test_what_is_no_trial(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        trial.load(text)
