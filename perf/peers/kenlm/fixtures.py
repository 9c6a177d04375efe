#!/usr/bin/env python3
"""Makes tests/fixtures/kenlm: small models of orders 2 to 6 as ARPA and in each of KenLM's binary types, and
their scores by KenLM's Python module, as bits.

    KENLM=FOLDER FOLDER/venv/bin/python fixtures.py

Each line of scores.txt: the model, then the words of a sentence, a bar, and the bits of each
word's score and of that of </s>. Sentences begin after <s>.
"""
import os, random, struct, subprocess, sys, tempfile

# What build.sh made, and the repository.
KENLM = os.environ.get("KENLM", "kenlm")
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
OUT = os.path.join(ROOT, "tests/fixtures/kenlm")
TYPES = {
    "probing": ["probing"],
    "trie": ["trie"],
    "quant": ["-q", "4", "-b", "3", "trie"],
    "array": ["-a", "255", "trie"],
    "quant-array": ["-q", "3", "-a", "255", "trie"],
    "trie-v": ["-v", "trie"],
    "probing-v": ["-v", "probing"],
}


def main():
    import kenlm
    from compare import random_arpa, read_grams, sentences

    os.makedirs(OUT, exist_ok=True)
    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    lines = []
    for order in range(2, 7):
        arpa = f"{OUT}/order{order}.arpa"
        unk = ["<unk>", "<UNK>", None][order % 3]
        sizes = [40, 50, 40, 24, 10][: order - 1]
        for seed in range(100):
            random_arpa(arpa, order, 12, sizes, unk, 0.05, 100 * order + seed)
            try:
                kenlm.Model(arpa, config)
                break
            except OSError:
                pass  # More ends are missing than its tables have room for.
        asked = sentences(read_grams(arpa), 60, order)
        for kind, options in {"arpa": None, "rest": None, **TYPES}.items():
            if kind.endswith("-v") and order != 3:
                continue
            path = arpa
            if kind != "arpa":
                path = f"{OUT}/order{order}.{kind}.bin"
                if kind == "rest":
                    command = [os.path.join(KENLM, "build_rest"), arpa, path]
                else:
                    build = os.path.join(KENLM, "build_binary")
                    command = [build, "-T", tempfile.gettempdir() + "/k", "-S", "64M", *options, arpa, path]
                subprocess.run(command, check=True, capture_output=True)
            assert os.path.getsize(path) < 20000, path
            model = kenlm.Model(path, config)
            for words in asked:
                state, after, bits = kenlm.State(), kenlm.State(), []
                model.BeginSentenceWrite(state)
                for word in words + ["</s>"]:
                    bits.append(struct.pack(">f", model.BaseScore(state, word, after)).hex())
                    state, after = after, kenlm.State()
                lines.append(f"{os.path.basename(path)} {' '.join(words)} | {' '.join(bits)}\n")
    with open(f"{OUT}/scores.txt", "w", encoding="utf-8") as out:
        out.writelines(lines)


if __name__ == "__main__":
    main()
