"""The speech pipeline of transformers with the stand-in for pyctcdecode."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from widebeam.compat import pyctcdecode  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")

LABELS = ["<pad>", "<s>", "</s>", "<unk>", "|", "a", "b", "c", "w", "0", "1", "2", "4", "5", "6"]

# The same model of the words w0, w1 ... as text and in two of KenLM's structures.
FIXTURES = Path(__file__).parents[3] / "tests" / "fixtures" / "kenlm"
BINARY = ["order3.probing.bin", "order3.trie.bin"]


@pytest.fixture(scope="module", params=["arpa", *BINARY])
def model(request, write_arpa):
    """The file of a language model, and one that holds the same as text."""
    if request.param == "arpa":
        path = write_arpa(["-1\t<s>\t-0.3", "-1\t</s>", "-3\t<unk>", "-0.5\tab", "-0.7\tcab"])
        return path, path
    return FIXTURES / request.param, FIXTURES / "order3.arpa"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    """A toy wav2vec2 with a language model, as a folder."""
    if importlib.util.find_spec("pyctcdecode") is None:
        pyctcdecode.stand_in()
    folder = tmp_path_factory.mktemp("wav2vec2")
    vocab = {label: token for token, label in enumerate(LABELS)}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = transformers.Wav2Vec2FeatureExtractor()
    decoder = pyctcdecode.build_ctcdecoder(LABELS, str(model[0]))
    processor = transformers.Wav2Vec2ProcessorWithLM(extractor, tokenizer, decoder)
    processor.save_pretrained(folder)
    # As older versions of transformers wrote it: there the pipeline looks for the decoder.
    (folder / "processor_config.json").unlink()
    known = {**extractor.to_dict(), "processor_class": "Wav2Vec2ProcessorWithLM"}
    (folder / "preprocessor_config.json").write_text(json.dumps(known))
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(LABELS), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, conv_dim=(16, 16), conv_stride=(40, 8), conv_kernel=(40, 8),
        num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, initializer_range=1.0,
    )  # fmt: skip
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder


def test_pipeline(folder, model):
    recognize = transformers.pipeline("automatic-speech-recognition", model=str(folder))
    assert recognize.type == "ctc_with_lm"
    assert isinstance(recognize.decoder, pyctcdecode.BeamSearchDecoderCTC)
    sound = np.random.default_rng(0).normal(size=16000).astype("f4")
    said = recognize(sound, return_timestamps="word")
    inputs = recognize.feature_extractor(sound, sampling_rate=16000, return_tensors="pt")
    with torch.no_grad():
        logits = recognize.model(**inputs).logits[0].numpy()
    assert said["text"] == recognize.decoder.decode(logits)
    assert [chunk["text"] for chunk in said["chunks"]] == said["text"].split()
    plain = pyctcdecode.build_ctcdecoder(LABELS).decode(logits)
    assert plain != said["text"], "the language model has no say"
    assert pyctcdecode.build_ctcdecoder(LABELS, str(model[1])).decode(logits) == said["text"]


def test_processor(folder):
    processor = transformers.Wav2Vec2ProcessorWithLM.from_pretrained(folder)
    logits = np.random.default_rng(1).normal(size=(2, 30, len(LABELS))).astype("f4")
    one = processor.decode(logits[0], output_word_offsets=True)
    assert [each["word"] for each in one.word_offsets] == one.text.split()
    both = processor.batch_decode(logits, n_best=2, alpha=0.3, beta=0.1)
    assert len(both.text) == 2 and all(len(each) == 2 for each in both.text)
    assert processor.language_model.alpha == 0.3
