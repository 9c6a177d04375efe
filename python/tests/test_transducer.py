"""TransducerSearch."""

import pickle

import numpy as np
import pytest

import widebeam
from widebeam import TransducerSearch

VOCAB = 4
LABELS = ["", "a", "b", " "]


class Networks:
    """A predictor that remembers its tokens, and a joiner that hashes them with the frame."""

    def __init__(self, columns=VOCAB):
        self.columns = columns
        self.states = []

    def row(self, frame, tokens):
        generator = np.random.default_rng([5, frame, *tokens])
        row = generator.normal(scale=1.5, size=self.columns).astype("f4")
        row[0] += 1
        return row

    def __call__(self, feed):
        self.states += [None] * (feed.slots - len(self.states))
        steps = zip(feed.predictor_sources, feed.predictor_tokens, feed.predictor_slots)
        new = [
            (slot, () if source < 0 else self.states[source] + (int(token),))
            for source, token, slot in steps
        ]
        for slot, state in new:
            self.states[slot] = state
        rows = zip(feed.joiner_frames.tolist(), feed.joiner_slots.tolist())
        rows = [self.row(frame, self.states[slot]) for frame, slot in rows]
        assert feed.rows == len(rows) and all(first < last for _, first, last in feed.requests)
        return np.stack(rows)


def log_softmax(row):
    row = row.astype("f8")
    return row - np.log(np.exp(row).sum())


def masses(networks, frames, topology="standard", max_symbols=10, durations=None):
    """Every sequence that has an alignment, with the mass of all its alignments (Graves 2012; Xu et
    al. 2023 for durations)."""
    if topology == "one-symbol":
        durations, max_symbols, has_scores = [1], 1, False
    else:
        has_scores = durations is not None
        durations = durations or [0]
    # What an alignment is at: its frame, how many tokens that has emitted, all its tokens.
    waiting, ended = {}, {}

    def add(at, tokens, mass):
        where, at = (ended, tokens) if at[0] >= frames else (waiting, (*at, tokens))
        where[at] = np.logaddexp(where.get(at, -np.inf), mass)

    add((0, 0), (), 0.0)
    while waiting:
        frame, emitted, tokens = at = min(waiting, key=lambda at: at[:2])
        mass = waiting.pop(at)
        row = networks.row(frame, tokens)
        symbols = log_softmax(row[:VOCAB])
        lasting = log_softmax(row[VOCAB:]) if has_scores else [0.0]
        for duration, log_prob in zip(durations, lasting):
            add((frame + max(duration, 1), 0), tokens, mass + log_prob + symbols[0])
            for token in range(1, VOCAB) if emitted < max_symbols else ():
                after = (frame + duration, 0) if duration else (frame, emitted + 1)
                add(after, (*tokens, token), mass + log_prob + symbols[token])
    return ended


def facts(hypotheses):
    return [(h.tokens.tolist(), h.frames.tolist(), h.durations.tolist(), h.score) for h in hypotheses]


@pytest.mark.parametrize(
    ("frames", "options"),
    [
        (2, {"max_symbols": 3}),
        (3, {"max_symbols": 1}),
        (5, {"topology": "one-symbol"}),
        (4, {"topology": "tdt", "durations": [0, 1, 2], "max_symbols": 1}),
        (3, {"topology": "tdt", "durations": [0, 2], "max_symbols": 2}),
        (4, {"topology": "tdt", "durations": [1, 4]}),
        (0, {}),
    ],
)
def test_finds_the_mass_of_all_alignments(frames, options):
    search = TransducerSearch(VOCAB, beams=5000, **options)
    networks = Networks(search.columns)
    utterance = search.admit(frames)
    assert (search.outcome(utterance) is None) == (frames > 0)
    search.run(networks)
    assert search.frames(utterance) == frames
    found, expected = search.outcome(utterance), masses(networks, frames, **options)
    scores = {tuple(h.tokens.tolist()): h.score for h in found}
    assert scores == pytest.approx(expected, abs=1e-5) and len(scores) == len(found)
    assert [h.score for h in found] == sorted(scores.values(), reverse=True)
    for h in found:
        assert h.score == h.log_mass >= h.alignment_score - 1e-9
        assert len(h.tokens) == len(h.frames) == len(h.durations)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"topology": "one-symbol"},
        {"topology": "standard", "max_symbols": 2},
        {"topology": "tdt", "durations": [0, 1, 2]},
        {"per_token": True, "n_best": 2},
    ],
)
def test_streams_find_what_utterances_find(options):
    def new():
        search = TransducerSearch(VOCAB, beams=4, **options)
        return search, Networks(search.columns)

    search, networks = new()
    assert search.columns == VOCAB + len(options.get("durations", ()))
    utterance = search.admit(9)
    search.run(networks)
    expected = facts(search.outcome(utterance))
    assert len(expected) == options.get("n_best", 4)

    search, networks = new()
    stream = search.admit()
    for count in [4, 0, 5]:
        search.add_frames(stream, count)
        search.run(networks)
        assert search.current(stream)
    search.end(stream)
    search.run(networks)
    assert facts(search.outcome(stream)) == expected
    with pytest.raises(widebeam.Error):
        search.add_frames(stream, 1)
    assert search.remove(stream) and not search.remove(stream)


def test_text_and_scorers():
    search = TransducerSearch(VOCAB, beams=4, labels=LABELS, hotwords={"ab": 5.0})
    plain = TransducerSearch(VOCAB, beams=4)
    utterances = [search.admit(6), plain.admit(6)]
    search.run(Networks())
    plain.run(Networks())
    found = search.outcome(utterances[0])
    spelled = "".join(LABELS[token] for token in found[0].tokens)
    assert found[0].text == " ".join(spelled.split())
    assert [word.text for word in found[0].words] == found[0].text.split()
    assert found[0].score == pytest.approx(found[0].log_mass + found[0].scorer_score)
    with pytest.raises(widebeam.Error, match="no labels"):
        plain.outcome(utterances[1])[0].text
    copy = pickle.loads(pickle.dumps(found[0]))
    assert facts([copy]) == facts(found[:1]) and copy.words == found[0].words


def test_a_stream_without_end():
    search = TransducerSearch(VOCAB, beams=3, topology="one-symbol", commit_delay=5)
    stream, networks, taken = search.admit(), Networks(), []
    for _ in range(20):
        search.add_frames(stream, 3)
        search.run(networks)
        tokens, frames, durations = search.take_stable(stream)
        assert len(tokens) == len(frames) == len(durations)
        taken += tokens.tolist()
    assert search.frames(stream) == 60 and taken
    search.finish(stream)
    assert search.outcome(stream)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beams": 0}, "beam"),
        ({"beams": -1}, "beams: "),
        ({"blank": VOCAB}, "blank"),
        ({"topology": "tdt"}, "needs durations"),
        ({"topology": "ring"}, '"one-symbol" or "tdt"'),
        ({"topology": "one-symbol", "max_symbols": 3}, "max_symbols"),
        ({"durations": [0, 1]}, 'for topology="tdt"'),
        ({"topology": "tdt", "durations": [1, 0]}, "duration"),
        ({"labels": ["", "a"]}, "2 labels"),
        ({"hotwords": ["a"]}, "needs labels"),
        ({"arrays": "jax"}, "torch"),
    ],
)
def test_settings_that_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        TransducerSearch(VOCAB, **options)


def test_an_invalid_score_fails_its_utterance_alone():
    search, networks = TransducerSearch(VOCAB, beams=2), Networks()
    good, bad = search.admit(3), search.admit(3)
    feed = search.feed()
    scores = networks(feed)
    row = next(first for request, first, _ in feed.requests if request == bad)
    scores[row, 2] = np.nan
    search.advance(scores, "logits")
    search.run(networks)
    with pytest.raises(widebeam.Error) as raised:
        search.outcome(bad)
    assert raised.value.request == bad and raised.value.token == 2
    assert search.outcome(good)
    with pytest.raises(widebeam.Error, match="-1"):
        search.admit(-1)
