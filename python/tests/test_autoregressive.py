"""AutoregressiveSearch."""

import threading

import numpy as np
import pytest

import widebeam
from widebeam import AutoregressiveSearch, Rules

VOCAB, END = 12, 2


def logits_after(tokens):
    """What a toy model says after some tokens."""
    seed = [7, *tokens]
    return np.random.default_rng(seed).normal(scale=2, size=VOCAB).astype("f4")


class Model:
    """Keeps the tokens of each row as its cache."""

    def __init__(self):
        self.cache = []

    def __call__(self, feed):
        assert feed.is_identity == (feed.parents.tolist() == list(range(len(self.cache))))
        tokens = feed.tokens.tolist()
        self.cache = [[*self.cache[row], token] for row, token in zip(feed.parents, tokens)]
        self.cache += [prompt for _, prompt in feed.fresh]
        assert feed.rows == len(self.cache)
        assert sum(last - first for _, first, last in feed.requests) == feed.rows
        return np.stack([logits_after(row) for row in self.cache])


def log_softmax(row):
    row = row.astype("f8")
    return row - np.log(np.exp(row - row.max()).sum()) - row.max()


def naive(prompt, beams, max_length):
    """The search by its definition, with `log p / length`."""
    live, pool = [(0.0, ())], []
    for length in range(1, max_length + 1):
        candidates = []
        for rank, (score, tokens) in enumerate(live):
            row = log_softmax(logits_after([*prompt, *tokens]))
            candidates += [(score + row[token], tokens + (token,)) for token in range(VOCAB)]
        candidates.sort(key=lambda each: -each[0])
        candidates = candidates[: 2 * beams]
        for score, tokens in candidates[:beams]:
            if tokens[-1] == END:
                pool.append((score / length, tokens))
        live = [each for each in candidates if each[1][-1] != END][:beams]
        if length == max_length:
            pool += [(score / length, tokens) for score, tokens in live]
        pool = sorted(pool, key=lambda each: -each[0])[:beams]
        if len(pool) == beams and live[0][0] / length <= pool[-1][0]:
            break
    return pool


@pytest.mark.parametrize("prompt", [[], [3], [1, 4, 5], [9, 9], [0, 11]])
def test_finds_what_the_definition_says(prompt):
    search = AutoregressiveSearch(VOCAB)
    request = search.admit(prompt, beams=4, max_length=8, end_tokens=[END])
    search.run(Model())
    outcome = search.outcome(request)
    expected = naive(prompt, 4, 8)
    assert [tuple(h.tokens.tolist()) for h in outcome.hypotheses] == [each[1] for each in expected]
    np.testing.assert_allclose([h.score for h in outcome.hypotheses], [each[0] for each in expected], atol=1e-5)
    best = outcome.best
    assert best.log_probability == pytest.approx(best.token_scores.sum())
    assert best.score == pytest.approx(best.log_probability / len(best.tokens))
    ends = best.finish == "end"
    assert best.tokens_without_ending.tolist() == best.tokens.tolist()[: -1 if ends else None]
    assert repr(best).startswith("Completion(tokens=[") and "ended=" in repr(outcome)


def test_requests_come_and_go():
    alone = {}
    for prompt in [(3,), (4, 5), (6,)]:
        search = AutoregressiveSearch(VOCAB)
        request = search.admit(prompt, beams=3, max_length=6, end_tokens=[END])
        search.run(Model())
        alone[prompt] = [h.tokens.tolist() for h in search.outcome(request).hypotheses]
    search, model = AutoregressiveSearch(VOCAB), Model()
    admitted, waiting, found = {}, [(6,), (4, 5), (3,)], {}
    while waiting or not search.is_idle:
        if waiting:
            prompt = waiting.pop()
            admitted[search.admit(prompt, beams=3, max_length=6, end_tokens=[END])] = prompt
        search.advance(model(search.feed()), "logits")
        for request in search.finished():
            outcome = search.outcome(request)
            found[admitted[request]] = [h.tokens.tolist() for h in outcome.hypotheses]
            assert search.remove(request) and not search.remove(request)
    assert found == alone


def test_what_is_live_and_finish():
    search, model = AutoregressiveSearch(VOCAB), Model()
    request = search.admit(beams=3, max_length=9)
    assert search.outcome(request) is None and not search.is_idle
    for _ in range(2):
        search.advance(model(search.feed()), "logits")
    live = search.live(request)
    assert len(live) == 3 and live[0].finish == "live" and search.finished_so_far(request) == []
    assert search.finish(request) and search.is_idle
    outcome = search.outcome(request)
    assert outcome.ended == "told" and outcome.best.tokens.tolist() == live[0].tokens.tolist()


@pytest.mark.parametrize(
    ("rules", "penalty"),
    [
        (None, lambda tokens, end: tokens),
        (Rules.plain(), lambda tokens, end: tokens),
        (Rules.hugging_face(0.6, "never"), lambda tokens, end: tokens**0.6),
        (Rules.hugging_face(early_stopping=True), lambda tokens, end: tokens),
        (Rules.hugging_face_scorer(2.0, False), lambda tokens, end: (1 + tokens - end) ** 2),
        (Rules.fairseq(0.9), lambda tokens, end: tokens**0.9),
        (Rules.ctranslate2(0.0, num_hypotheses=2), lambda tokens, end: 1),
        (Rules.gnmt(0.6), lambda tokens, end: ((5 + tokens) / 6) ** 0.6),
        (Rules.whisper(), lambda tokens, end: tokens - end),
        (Rules.whisper(0.6, 2.0), lambda tokens, end: ((5 + tokens - end) / 6) ** 0.6),
        (Rules.vllm(), lambda tokens, end: 1 + tokens - end),
    ],
)
def test_rules(rules, penalty):
    search = AutoregressiveSearch(VOCAB)
    # Some rules count the prompt, which is one token, and some do not count the end token.
    request = search.admit([1], beams=3, max_length=6, end_tokens=[END], rules=rules)
    search.run(Model())
    hypotheses = search.outcome(request).hypotheses
    scores = [h.score for h in hypotheses]
    assert scores == sorted(scores, reverse=True) and scores
    for h in hypotheses:
        length = penalty(len(h.tokens), h.finish == "end")
        assert h.score == pytest.approx(h.log_probability / length)


def test_rules_are_values():
    assert Rules.plain() == Rules.plain() != Rules.gnmt(0.6)
    with pytest.raises(widebeam.Error, match="early_stopping=sometimes"):
        Rules.hugging_face(1.0, "sometimes")


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        ({"min_length": 4}, lambda h: len(h.tokens) >= 4),
        ({"suppress": [0, 1]}, lambda h: not {0, 1} & set(h.tokens.tolist())),
        ({"permitted": [END, 5, 6]}, lambda h: set(h.tokens.tolist()) <= {END, 5, 6}),
        ({"sequences": [[5, 6, END], [7, END]]}, lambda h: h.tokens.tolist() in ([5, 6, END], [7, END])),
        ({"required": [[[8, 9]]]}, lambda h: "8, 9" in str(h.tokens.tolist())),
        ({"no_repeat_ngram": 1}, lambda h: len(set(h.tokens.tolist())) == len(h.tokens)),
        ({"stop_sequences": [[3]]}, lambda h: 3 not in h.tokens.tolist()[:-1]),
        ({"ends_when": lambda tokens: tokens[-1] == 3}, lambda h: 3 not in h.tokens.tolist()[:-1]),
        ({"repetition_penalty": 1.5}, lambda h: True),
        ({"frequency_penalty": 0.5}, lambda h: True),
        ({"presence_penalty": 0.5}, lambda h: True),
        ({"groups": (3, 0.5)}, lambda h: h.group in range(3)),
        ({"sampling": "stochastic-beams", "seed": 3}, lambda h: len(h.sampled) == 3),
        ({"sampling": "beam-sampling", "temperature": 0.7}, lambda h: True),
        ({"own_scores": True, "repetition_penalty": 2.0}, lambda h: len(h.own_scores) == len(h.tokens)),
        ({"n_best": 1}, lambda h: True),
        ({"widths": [1]}, lambda h: True),
    ],
)
def test_settings_do_what_they_say(options, holds):
    def complete(**options):
        search = AutoregressiveSearch(VOCAB)
        request = search.admit([7], beams=3, max_length=7, end_tokens=[END], **options)
        search.run(Model())
        return search.outcome(request).hypotheses

    hypotheses, plain = complete(**options), complete()
    assert hypotheses and all(holds(h) for h in hypotheses)
    assert len(hypotheses) <= options.get("n_best", 3)
    scores, plain = ([(h.tokens.tolist(), h.score) for h in each] for each in [hypotheses, plain])
    assert scores != plain, "the setting does nothing here"


def test_a_function_says_where_hypotheses_end():
    seen = []

    def ends(tokens):
        seen.append(tokens)
        return len(tokens) > 3 and tokens[-1] > tokens[-2] > tokens[-3]

    search = AutoregressiveSearch(VOCAB)
    request = search.admit([1, 5], beams=3, max_length=9, ends_when=ends)
    search.run(Model())
    hypotheses = search.outcome(request).hypotheses
    assert all(tokens[:2] == [1, 5] and len(tokens) > 2 for tokens in seen)
    by_finish = {finish: [h for h in hypotheses if h.finish == finish] for finish in ["predicate", "length"]}
    assert by_finish["predicate"] and sum(map(len, by_finish.values())) == 3
    for h in by_finish["predicate"]:
        assert ends([1, 5, *h.tokens.tolist()]) and not ends([1, 5, *h.tokens.tolist()[:-1]])


def test_a_function_that_raises():
    search, model = AutoregressiveSearch(VOCAB), Model()

    def enters(tokens):
        search.feed()

    for function, said in [(lambda tokens: tokens[99], "list index"), (enters, "in use"), (3, "not callable")]:
        request = search.admit([1], beams=3, max_length=4, ends_when=function)
        with pytest.raises((IndexError, RuntimeError, TypeError), match=said):
            search.run(model)
        assert search.remove(request)
    # Another request finds what it would have found.
    assert search.is_idle
    request = search.admit([1], beams=3, max_length=4, end_tokens=[END])
    search.run(model)
    fresh = AutoregressiveSearch(VOCAB)
    other = fresh.admit([1], beams=3, max_length=4, end_tokens=[END])
    fresh.run(Model())
    found = [
        [(h.tokens.tolist(), h.score) for h in one.outcome(name).hypotheses]
        for one, name in [(search, request), (fresh, other)]
    ]
    assert found[0] == found[1]


def test_equal_seeds_draw_the_same():
    def draw(seed):
        search = AutoregressiveSearch(VOCAB)
        request = search.admit(beams=3, max_length=5, sampling="stochastic-beams", seed=seed)
        search.run(Model())
        return [h.tokens.tolist() for h in search.outcome(request).hypotheses]

    assert draw(1) == draw(1) != draw(2)


@pytest.mark.parametrize(
    ("options", "exception", "said"),
    [
        ({"beams": 0}, ValueError, "beam width of 0"),
        ({"beams": -1}, ValueError, "beam width is -1"),
        ({"max_length": 0}, ValueError, "length"),
        ({"end_tokens": [VOCAB]}, ValueError, str(VOCAB)),
        ({"end_tokens": [-1]}, ValueError, "end_tokens: "),
        ({"end_tokens": ["x"]}, TypeError, "end_tokens: .*str"),
        ({"prompt": [2**40]}, ValueError, "prompt: "),
        ({"n_best": -1}, ValueError, "n_best: "),
        ({"repetition_penalty": 0.0}, ValueError, "penalty"),
        ({"no_repeat_ngram": 0}, ValueError, "n-gram"),
        ({"sampling": "luck"}, ValueError, '"beam-sampling"'),
        ({"seed": 1}, ValueError, "need sampling"),
        ({"sampling": "beam-sampling", "temperature": -1.0}, ValueError, "temperature"),
        ({"rules": "plain"}, TypeError, "rules"),
        ({"groups": (2, 0.5)}, ValueError, "group"),
        ({"required": [[]]}, ValueError, None),
    ],
)
def test_settings_that_are_refused(options, exception, said):
    search = AutoregressiveSearch(VOCAB)
    with pytest.raises(exception, match=said):
        search.admit(**{"beams": 3, "max_length": 5, **options})
    assert search.is_idle


def test_an_invalid_score_fails_its_request_alone():
    search, model = AutoregressiveSearch(VOCAB), Model()
    good = search.admit([1], beams=2, max_length=4)
    bad = search.admit([2], beams=2, max_length=4)
    scores = model(search.feed())
    scores[1, 5] = np.nan
    search.advance(scores, "logits")
    with pytest.raises(widebeam.Error, match="token 5") as raised:
        search.outcome(bad)
    assert raised.value.token == 5 and raised.value.request == bad != good
    model.cache = model.cache[:1]
    while not search.is_idle:
        search.advance(model(search.feed()), "logits")
    assert len(search.outcome(good).hypotheses) == 2


def test_calls_out_of_order():
    search = AutoregressiveSearch(VOCAB)
    request = search.admit(beams=2, max_length=3)
    feed = search.feed()
    for wrong in [np.zeros((3, VOCAB), "f4"), np.zeros((1, VOCAB - 1), "f4")]:
        with pytest.raises(widebeam.Error):
            search.advance(wrong, "logits")
    search.abandon_step()
    with pytest.raises(widebeam.Error):
        search.advance(np.zeros((1, VOCAB), "f4"), "logits")
    search.feed()
    search.advance(np.zeros((feed.rows, VOCAB), "f4"), "logits")
    other = AutoregressiveSearch(VOCAB)
    with pytest.raises(widebeam.Error, match="request"):
        other.outcome(request)
    assert not other.remove(request) and not other.finish(request)
    with pytest.raises(TypeError):
        search.outcome(3)
    with pytest.raises(widebeam.Error):
        AutoregressiveSearch(0)
    with pytest.raises(ValueError, match="torch"):
        AutoregressiveSearch(3, arrays="jax")


def test_an_exception_of_the_model_leaves_the_search_as_it_was():
    search, model = AutoregressiveSearch(VOCAB), Model()
    request = search.admit([1], beams=3, max_length=5, end_tokens=[END])
    steps = 0

    def failing(feed):
        nonlocal steps
        steps += 1
        if steps == 3:
            raise KeyError("the model fails")
        return model(feed)

    with pytest.raises(KeyError, match="the model fails"):
        search.run(failing)
    search.run(model)
    again = AutoregressiveSearch(VOCAB)
    expected = again.admit([1], beams=3, max_length=5, end_tokens=[END])
    again.run(Model())
    found, whole = search.outcome(request).hypotheses, again.outcome(expected).hypotheses
    assert [h.tokens.tolist() for h in found] == [h.tokens.tolist() for h in whole]


def test_two_threads_in_one_search_are_an_exception():
    search = AutoregressiveSearch(300_000)
    search.admit(beams=500, max_length=4)
    scores = np.zeros((1, 300_000), "f4")
    search.feed()
    search.advance(scores, "logits")
    scores = np.zeros((search.feed().rows, 300_000), "f4")
    done, seen = threading.Event(), []

    def advance():
        search.advance(scores, "logits")
        done.set()

    thread = threading.Thread(target=advance)
    thread.start()
    while not done.is_set():
        try:
            search.is_idle
        except RuntimeError as error:
            seen.append(str(error))
    thread.join()
    assert seen and "search is in use by another thread" in seen[0]
