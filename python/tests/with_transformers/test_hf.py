"""widebeam.hf.beam_search finds what transformers' own beam search finds."""

import collections
import random

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

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


def whisper():
    config = transformers.WhisperConfig(
        vocab_size=VOCAB, d_model=32, encoder_layers=1, decoder_layers=2, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=8,
        max_source_positions=20, max_target_positions=40, init_std=0.4, decoder_start_token_id=1,
        bos_token_id=1, eos_token_id=2, pad_token_id=0, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    return transformers.WhisperForConditionalGeneration(config)


def mamba():
    config = transformers.MambaConfig(
        vocab_size=VOCAB, hidden_size=32, state_size=8, num_hidden_layers=2, initializer_range=0.8,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    return transformers.MambaForCausalLM(config)


MODELS = {"gpt2": gpt2, "t5": t5, "whisper": whisper, "mamba": mamba}
CASES = {"gpt2": 130, "t5": 120, "whisper": 125, "mamba": 125}


def made(name):
    torch.manual_seed(3)
    return MODELS[name]().eval()


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return made(request.param)


@pytest.fixture(scope="module")
def models():
    return {name: made(name) for name in MODELS}


def prompts(model, rng, batch, length):
    """What a model is given: tokens, or the features of sound."""
    if model.config.model_type == "whisper":
        return {"input_features": torch.randn(batch, model.config.num_mel_bins, 40)}
    inputs = {"input_ids": torch.randint(8, VOCAB, (batch, length))}
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if length > 2 and rng.random() < 0.5:
        inputs["attention_mask"][0, :2] = 0
    return inputs


def spelling():
    """A tokenizer whose tokens spell two letters at most."""
    words = ["<pad>", "<s>", "</s>"] + [f"{a}{b}" for a in "abcdef" for b in ["", *"abcdef"]]
    vocab = {word: token for token, word in enumerate(words[:VOCAB])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab, []))
    tokenizer.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>")


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


def same(model, seed, **more):
    """Whether both find the same with settings that are drawn."""
    rng = random.Random(seed)
    torch.manual_seed(seed)
    inputs = prompts(model, rng, rng.randint(1, 3), rng.randint(1, 6))
    chosen = {**settings(rng), **more}
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
    return found


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name, count in CASES.items() for seed in range(count)]
)
def test_generates_the_same(models, name, seed):
    same(models[name], seed)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("name", ["gpt2", "t5"])
def test_stop_strings(models, name, seed):
    tokenizer = spelling()
    strings = random.Random(seed).choice([["ab"], ["a", "fe"], ["cd", "bb", "e"]])
    found = same(
        models[name],
        seed,
        max_new_tokens=10,
        stopping_criteria=transformers.StoppingCriteriaList(
            [transformers.StopStringCriteria(tokenizer, strings)]
        ),
    )
    assert found.sequences.shape[1] > 0


def test_a_criterion_that_raises(models):
    class Raises(transformers.StoppingCriteria):
        def __call__(self, input_ids, scores, **_):
            raise ZeroDivisionError("by the criterion")

    options = {"num_beams": 2, "max_new_tokens": 3, "stopping_criteria": [Raises()]}
    with pytest.raises(ZeroDivisionError, match="by the criterion"):
        models["gpt2"].generate(torch.tensor([[9]]), **options, custom_generate=hf.beam_search)


@pytest.mark.parametrize("words", [[[7, 8]], [[5], [6, 9, 6]], [[[4], [5, 5]], [30]]])
def test_required_words(model, words):
    rng = random.Random(0)
    torch.manual_seed(0)
    found = model.generate(
        **prompts(model, rng, 2, 3), num_beams=6, num_return_sequences=2, max_new_tokens=14,
        do_sample=False, force_words_ids=words, custom_generate=hf.beam_search,
    )  # fmt: skip
    assert len(found) == 4
    for sequence in found.tolist():
        said = f" {' '.join(map(str, sequence))} "
        for word in words:
            any_of = [word] if isinstance(word[0], int) else word
            assert any(f" {' '.join(map(str, one))} " in said for one in any_of), (said, word)


def test_diverse_groups(models):
    model = models["gpt2"]
    options = {
        "num_beams": 4, "num_return_sequences": 4, "max_new_tokens": 6, "do_sample": False,
        "eos_token_id": None, "num_beam_groups": 4, "custom_generate": hf.beam_search,
    }  # fmt: skip
    prompt = torch.tensor([[9, 10, 11]])
    # Four groups of one beam: without a penalty all find the same, with a large one no two
    # have the same first token.
    found = model.generate(prompt, **options, diversity_penalty=1e-9)
    assert (found == found[0]).all()
    found = model.generate(prompt, **options, diversity_penalty=1e3)
    assert len(set(found[:, 3].tolist())) == 4


def test_draws_from_the_same_distribution(models):
    model, count = models["gpt2"], 1500
    prompt = torch.tensor([[9, 10, 11]]).expand(count, 3)
    options = {"num_beams": 2, "max_new_tokens": 2, "do_sample": True, "top_k": 6, "eos_token_id": 2}
    drawn = []
    for more in [{}, {"custom_generate": hf.beam_search}, {"custom_generate": hf.beam_search}]:
        torch.manual_seed(len(drawn) and 5)
        found = model.generate(prompt, **options, **more)[:, 3:]
        drawn.append([tuple(sequence) for sequence in found.tolist()])
    assert drawn[1] == drawn[2], "equal seeds draw the same"
    theirs, ours = (collections.Counter(each) for each in drawn[:2])
    apart = sum(abs(theirs[each] - ours[each]) for each in theirs | ours) / 2 / count
    assert len(ours) > 5 and apart < 0.06, apart


def test_returns_sequences_alone(model):
    torch.manual_seed(0)
    options = {"num_beams": 3, "max_new_tokens": 5, "do_sample": False}
    options.update(prompts(model, random.Random(0), 1, 3))
    found = model.generate(**options, custom_generate=hf.beam_search)
    assert torch.equal(found, model.generate(**options))


@pytest.mark.parametrize(
    "options",
    [
        {"output_scores": True, "return_dict_in_generate": True},
        {"max_time": 3.0},
    ],
)
def test_what_is_not_taken_over_is_said(models, options):
    options = {"num_beams": 2, "max_new_tokens": 3, **options}
    with pytest.raises(NotImplementedError):
        models["gpt2"].generate(torch.tensor([[9]]), **options, custom_generate=hf.beam_search)
