"""widebeam.hf.beam_search finds what transformers' own beam search finds."""

import random

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from widebeam import hf  # noqa: E402

VOCAB = 40

pytestmark = pytest.mark.filterwarnings("ignore")


def gpt2():
    config = transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=32, n_layer=2, n_head=2, n_positions=64, initializer_range=0.4,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def t5():
    config = transformers.T5Config(
        vocab_size=VOCAB, d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2,
        initializer_factor=3.0, decoder_start_token_id=0, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    return transformers.T5ForConditionalGeneration(config)


MODELS = {"gpt2": gpt2, "t5": t5}


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    torch.manual_seed(3)
    return MODELS[request.param]().eval()


def settings(rng):
    beams = rng.randint(2, 6)
    chosen = {
        "num_beams": beams,
        "num_return_sequences": rng.randint(1, beams),
        "max_new_tokens": rng.randint(1, 12),
        "length_penalty": rng.choice([0.0, 0.6, 1.0, 2.0, -0.5]),
        "early_stopping": rng.choice([False, True, "never"]),
        "eos_token_id": rng.choice([2, [2, 3], [2, 5, 7]]),
        "pad_token_id": rng.choice([0, 1]),
        "use_cache": rng.random() < 0.8,
    }
    if rng.random() < 0.3:
        chosen["min_new_tokens"] = rng.randint(1, 4)
    if rng.random() < 0.3:
        chosen["repetition_penalty"] = rng.choice([1.3, 0.8])
    if rng.random() < 0.3:
        chosen["no_repeat_ngram_size"] = rng.randint(1, 3)
    if rng.random() < 0.2:
        chosen["bad_words_ids"] = [[4], [6, 8]]
    if rng.random() < 0.2:
        chosen["forced_eos_token_id"] = 2
    return chosen


@pytest.mark.parametrize("seed", range(250))
def test_generates_the_same(model, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    batch, length = rng.randint(1, 3), rng.randint(1, 6)
    inputs = {"input_ids": torch.randint(8, VOCAB, (batch, length))}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if length > 2 and rng.random() < 0.5:
        inputs["attention_mask"][0, :2] = 0
    chosen = settings(rng)
    options = {**inputs, **chosen, "do_sample": False, "return_dict_in_generate": True}
    # The scores themselves are a setting of theirs, which ours does not take over.
    expected = model.generate(**options, output_scores=True)
    found = model.generate(**options, custom_generate=hf.beam_search)
    torch.testing.assert_close(
        found.sequences_scores, expected.sequences_scores, atol=1e-4, rtol=1e-4
    )
    # Where fewer hypotheses are possible than are returned, theirs shows an impossible one.
    possible = expected.sequences_scores > -1e8
    assert torch.equal(found.sequences[possible], expected.sequences[possible]), chosen


def test_returns_sequences_alone(model):
    inputs = torch.tensor([[9, 10, 11]])
    options = {"num_beams": 3, "max_new_tokens": 5, "do_sample": False}
    found = model.generate(inputs, **options, custom_generate=hf.beam_search)
    assert torch.equal(found, model.generate(inputs, **options))


@pytest.mark.parametrize(
    "options",
    [
        {"do_sample": True},
        {"output_scores": True, "return_dict_in_generate": True},
        {"max_time": 3.0},
    ],
)
def test_what_is_not_taken_over_is_said(model, options):
    options = {"num_beams": 2, "max_new_tokens": 3, **options}
    with pytest.raises(NotImplementedError):
        model.generate(torch.tensor([[9]]), **options, custom_generate=hf.beam_search)
