#!/usr/bin/env python3
"""Compares scores with KenLM's to the bit: every type of file, orders 2 to 6.

    cargo build --release --features kenlm    (in perf/peers/rust)
    KENLM=FOLDER FOLDER/venv/bin/python compare.py [--queries 100000]

Makes models (random ones of every order, with and without <unk>, with n-grams pruned as SRILM
prunes; KenLM's own test files; the English model), has KenLM's build_binary build each type of
each, asks KenLM's Python module and kenlm_compare for every word's score, and counts what
differs. KenLM reads no model of order 1; those are compared with what they say.
"""
import argparse, os, random, struct, subprocess, sys, time

# What build.sh made, and the repository.
KENLM = os.environ.get("KENLM", "kenlm")
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.path.join(KENLM, "build_binary")
COMPARE = os.environ.get("COMPARE", os.path.join(ROOT, "perf/peers/rust/target/release/kenlm_compare"))
WORK = os.path.join(KENLM, "compare")
TYPES = {
    "probing": ["probing"],
    "probing-p1.1": ["-p", "1.1", "probing"],
    "probing-p3": ["-p", "3", "probing"],
    "trie": ["trie"],
    "quant": ["-q", "8", "trie"],
    "quant-q5b3": ["-q", "5", "-b", "3", "trie"],
    "array": ["-a", "255", "trie"],
    "array-a2": ["-a", "2", "trie"],
    "quant-array": ["-q", "8", "-a", "22", "trie"],
    "trie-v": ["-v", "trie"],
    "probing-v": ["-v", "probing"],
}


def number(rng):
    kind = rng.randrange(12)
    if kind == 0:
        return f"{-rng.random() * 5:.7g}"
    if kind == 1:
        return f"{-rng.random() * 1e-3:.5e}"
    if kind == 2:
        return "-%d" % rng.randrange(0, 9)
    return f"{-rng.random() * 6:.{rng.randrange(1, 9)}f}"


def backoff(rng):
    kind = rng.randrange(10)
    if kind < 3:
        return None
    if kind == 3:
        return rng.choice(["0", "-0", "0.0"])
    if kind == 4:
        return f"{rng.random() * 0.05:.4f}"
    return number(rng)


def random_arpa(path, order, words, sizes, unk, pruned, seed):
    """Every n-gram's beginning is there; with `pruned`, its end may not be."""
    rng = random.Random(seed)
    vocab = [f"w{i}" for i in range(words)] + ["</s>", "ä", "\u2581x"]
    vocab.insert(3, "<s>")
    if unk:
        vocab.insert(7, unk)
    grams = [[(w,) for w in vocab]]
    for n in range(2, order + 1):
        before = grams[-1]
        follow = {}
        for gram in before:
            follow.setdefault(gram[:-1], []).append(gram[-1])
        made = set()
        for _ in range(3 * sizes[n - 2]):
            if len(made) == sizes[n - 2]:
                break
            left = before[min(int(rng.expovariate(4 / len(before))), len(before) - 1)]
            if n == 2 or rng.random() < pruned:
                word = vocab[min(int(rng.expovariate(4 / words)), words)]
            else:
                word = rng.choice(follow.get(left[1:], ["</s>"]))
            if n == 2 or pruned or word in follow.get(left[1:], ()):
                made.add(left + (word,))
        grams.append(sorted(made, key=lambda g: ((g[0] * 7)[::-1], g)))
    with open(path, "w", encoding="utf-8") as out:
        out.write("\\data\\\n")
        for n, of in enumerate(grams, 1):
            out.write(f"ngram {n}={len(of)}\n")
        for n, of in enumerate(grams, 1):
            out.write(f"\n\\{n}-grams:\n")
            for gram in of:
                b = backoff(rng) if n < order else None
                out.write(number(rng) + "\t" + " ".join(gram) + ("" if b is None else "\t" + b) + "\n")
        out.write("\n\\end\\\n")


def read_grams(path, most=300000):
    grams = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            fields = line.rstrip("\n").split("\t")
            if len(fields) >= 2:
                grams.append(fields[1].split())
    random.Random(1).shuffle(grams)
    return grams[:most]


def sentences(grams, queries, seed):
    rng = random.Random(seed)
    grams = [g for g in grams if "</s>" not in g and "<s>" not in g]
    singles = [g[0] for g in grams if len(g) == 1]
    longer = [g for g in grams if len(g) > 1] or grams
    out, asked = [], 0
    while asked < queries:
        words = []
        for _ in range(rng.randrange(0, 6)):
            kind = rng.random()
            if kind < 0.7:
                words += rng.choice(longer)
            elif kind < 0.93:
                words.append(rng.choice(singles))
            elif kind < 0.96:
                words.append(rng.choice(["<unk>", "<s>", "</s>"]))
            else:
                words.append(rng.choice(["nowhere", "OOV-2", "x" * rng.randrange(1, 20)]))
        out.append(words)
        asked += len(words) + 1
    return out


def by_kenlm(path, lines):
    import kenlm

    config = kenlm.Config()
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    model = kenlm.Model(path, config)
    out, states = [], {}
    for i, words in enumerate(lines):
        state, after = kenlm.State(), kenlm.State()
        model.BeginSentenceWrite(state) if i % 2 == 0 else model.NullContextWrite(state)
        bits = []
        for word in words:
            score = model.BaseScore(state, word, after)
            bits.append(struct.pack(">f", score).hex())
            state, after = after, kenlm.State()
        score = model.BaseScore(state, "</s>", after)
        # The state's class; copies keep their own memory.
        number = states.setdefault(state, len(states))
        bits.append(struct.pack(">f", score).hex())
        out.append(" ".join(bits) + f" {number}")
    return out


def compare(name, path, lines):
    text = "\n".join(" ".join(words) for words in lines) + "\n"
    run = subprocess.run([COMPARE, path], input=text.encode(), capture_output=True)
    if run.returncode:
        print(f"{name}: {run.stderr.decode()}")
        return 1
    ours = run.stdout.decode().splitlines()
    try:
        kenlms = by_kenlm(path, lines)
    except OSError as error:
        print(f"{name}: KenLM does not read it: {str(error)[:200]}")
        return 0
    asked = sum(len(words) + 1 for words in lines)
    wrong = states = 0
    for mine, theirs, words in zip(ours, kenlms, lines):
        mine, theirs = mine.split(), theirs.split()
        states += mine[-1] != theirs[-1]
        for a, b, w in zip(mine[:-1], theirs[:-1], words + ["</s>"]):
            if a != b:
                wrong += 1
                if wrong < 3:
                    print("   ", words, w, a, b)
    lengths = len(ours) != len(kenlms)
    print(f"{name}: {asked} scores, {wrong} differ; {len(lines)} states, {states} differ", flush=True)
    return wrong + states + lengths


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=100000)
    parser.add_argument("models", nargs="*", help="ARPA files to compare as well")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    os.makedirs(WORK, exist_ok=True)
    models = []
    for order in range(2, 7):
        for variant, unk, pruned in [("plain", "<unk>", 0.0), ("pruned", "<UNK>", 0.15 / order**2), ("nounk", None, 0.01)]:
            path = f"{WORK}/random{order}-{variant}.arpa"
            sizes = [12000, 20000, 15000, 9000, 5000][: order - 1]
            random_arpa(path, order, 2000, sizes, unk, pruned, order)
            models.append((path, TYPES))
    lm = os.path.join(KENLM, "kenlm-0.3.0/lm")
    for test in ("test", "test_nounk"):
        path = f"{WORK}/{test}.arpa"
        open(path, "w").write(open(f"{lm}/{test}.arpa").read())
        models.append((path, {k: v for k, v in TYPES.items() if k != "probing-p1.1"}))
    # Models of one's own, such as an English one.
    models += [(path, TYPES) for path in args.models]
    bad = total = files = 0
    for path, types in models:
        name = os.path.basename(path)[:-5]
        if args.only and args.only not in name:
            continue
        grams = read_grams(path)
        lines = sentences(grams, args.queries, name)
        # Rest costs: the highest P of any longer n-gram, -r none builds that.
        for kind, options in {**types, "rest": None, "arpa": None}.items():
            built = path
            if kind != "arpa":
                built = f"{WORK}/{name}.{kind}.bin"
                if kind == "rest":
                    command = [os.path.join(KENLM, "build_rest"), path, built]
                else:
                    command = [BUILD, "-s", "-T", WORK + "/tmp", "-S", "1G", *options, path, built]
                if not os.path.exists(built):
                    run = subprocess.run(command, capture_output=True)
                    if run.returncode:
                        if os.path.exists(built):
                            os.unlink(built)
                        print(f"{name} {kind}: not built: {run.stderr.decode()[-300:]}")
                        continue
            bad += compare(f"{name} {kind}", built, lines)
            total += sum(len(words) + 1 for words in lines)
            files += 1
    print(f"in all {total} scores of {files} files, {bad} differences")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
