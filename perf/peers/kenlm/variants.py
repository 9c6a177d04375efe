#!/usr/bin/env python3
"""Which ways to write an ARPA file KenLM's Python module reads, and which ours; where both do,
whether the scores are equal.

    KENLM=FOLDER FOLDER/venv/bin/python variants.py
"""
import os, struct, subprocess, sys, tempfile
import kenlm

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "../../.."))
COMPARE = os.environ.get("COMPARE", os.path.join(ROOT, "perf/peers/rust/target/release/kenlm_compare"))
BASE = """\\data\\
ngram 1=5
ngram 2=3
ngram 3=2

\\1-grams:
-1.5\t<unk>\t-0.25
-99\t<s>\t-0.5
-1\t</s>
-0.5\ta\t-0.125
-2\tb\t-0.75

\\2-grams:
-0.25\t<s> a\t-0.375
-0.75\ta b\t-0.0625
-1.25\tb a

\\3-grams:
-0.1\t<s> a b
-0.2\ta b a

\\end\\
"""
VARIANTS = {
    "as it is": lambda s: s,
    "BOM": lambda s: "\ufeff" + s,
    "CRLF": lambda s: s.replace("\n", "\r\n"),
    "<UNK>": lambda s: s.replace("<unk>", "<UNK>"),
    "no <unk>": lambda s: s.replace("-1.5\t<unk>\t-0.25\n", "").replace("1=5", "1=4"),
    "no <s>": lambda s: s.replace("<s>", "c"),
    "no </s>": lambda s: s.replace("</s>", "c"),
    "comment first": lambda s: "# by hand\n\n" + s,
    "text first": lambda s: "by hand\n\n" + s,
    "spaces between fields": lambda s: s.replace("\t", " "),
    "two spaces between words": lambda s: s.replace("a b", "a  b"),
    "tab between words": lambda s: s.replace("a b", "a\tb"),
    "blank lines between n-grams": lambda s: s.replace("-0.75\ta b", "\n-0.75\ta b"),
    "no blank line before a section": lambda s: s.replace("\n\n\\2", "\n\\2"),
    "no blank line after the counts": lambda s: s.replace("\n\n\\1", "\n\\1"),
    "leading space": lambda s: s.replace("-0.75\ta b", " -0.75\ta b"),
    "trailing space": lambda s: s.replace("-0.75\ta b\t-0.0625", "-0.75\ta b\t-0.0625 "),
    "back-off 0 at the highest order": lambda s: s.replace("<s> a b", "<s> a b\t0"),
    "back-off at the highest order": lambda s: s.replace("<s> a b", "<s> a b\t-0.5"),
    "-inf": lambda s: s.replace("-0.75\ta b", "-inf\ta b").replace("-99", "-inf"),
    "-1e39": lambda s: s.replace("-0.75\ta b", "-1e39\ta b"),
    "inf": lambda s: s.replace("-0.75\ta b", "inf\ta b"),
    "nan": lambda s: s.replace("-0.75\ta b", "nan\ta b"),
    "NaN": lambda s: s.replace("-0.75\ta b", "NaN\ta b"),
    "back-off -inf": lambda s: s.replace("-0.0625", "-inf"),
    "positive log-probability": lambda s: s.replace("-0.75\ta b", "0.5\ta b"),
    "log-probability 0": lambda s: s.replace("-0.75\ta b", "0\ta b").replace("-0.5\ta", "0\ta"),
    "positive back-off": lambda s: s.replace("-0.0625", "0.5"),
    "exponents": lambda s: s.replace("-0.75\ta b", "-7.5e-1\ta b"),
    "many digits": lambda s: s.replace("-0.75\ta b", "-0.75123456789012345678\ta b"),
    "plus sign": lambda s: s.replace("-0.75\ta b\t-0.0625", "-0.75\ta b\t+0.0625"),
    "no digit before the point": lambda s: s.replace("-0.75\ta b", "-.75\ta b"),
    "a missing context": lambda s: s.replace("-0.75\ta b\t-0.0625\n", "").replace("2=3", "2=2"),
    "a missing end": lambda s: s.replace("-1.25\tb a\n", "").replace("2=3", "2=2"),
    "a bigram twice": lambda s: s.replace("-1.25\tb a\n", "-1.25\ta b\n-1.25\tb a\n").replace("2=3", "2=4"),
    "a word twice": lambda s: s.replace("-2\tb", "-2\ta\n-2\tb").replace("1=5", "1=6"),
    "no end": lambda s: s.replace("\\end\\\n", ""),
    "no newline at the end": lambda s: s[:-1],
    "text after the end": lambda s: s + "more\n",
    "count too high": lambda s: s.replace("2=3", "2=4"),
    "count too low": lambda s: s.replace("2=3", "2=2"),
    "count of 10^15": lambda s: s.replace("2=3", "2=1000000000000000"),
    "no trigrams": lambda s: s.replace("3=2", "3=0").replace("-0.1\t<s> a b\n-0.2\ta b a\n", ""),
    "an unknown word in a bigram": lambda s: s.replace("a b\t-0.0625", "a c\t-0.0625"),
    "unigrams alone": lambda s: s.split("ngram 2")[0] + s[s.index("\n\\1"):s.index("\\2-")] + "\\end\\\n",
    "vertical tab as a word": lambda s: s.replace("b", "\x0b"),
    "gzip": lambda s: __import__("gzip").compress(s.encode()),
    "empty": lambda s: "",
    "latin-1": lambda s: s.replace("\tb", "\t\xe4").encode("latin-1"),
}
LINES = ["a b a b", "<s> a b a", "b a zz", "zz a", "a a", ""]


def main():
    for name, change in VARIANTS.items():
        text = change(BASE)
        data = text if isinstance(text, bytes) else text.encode()
        path = tempfile.mktemp(suffix=".arpa")
        open(path, "wb").write(data)
        run = subprocess.run([COMPARE, path], input="\n".join(LINES).encode() + b"\n", capture_output=True)
        ours = run.stdout.decode().splitlines() if run.returncode == 0 else None
        said = run.stderr.decode().strip()
        # KenLM may end the process, so it has one of its own.
        code = f"""
import sys; sys.path.insert(0, {HERE!r}); import compare
print("\\n".join(compare.by_kenlm({path!r}, [line.split() for line in {LINES!r}])))"""
        run = subprocess.run([sys.executable, "-c", code], capture_output=True)
        theirs = run.stdout.decode().splitlines() if run.returncode == 0 else None
        if ours is None or theirs is None:
            print(f"{name}: KenLM {'reads' if theirs else 'refuses'}, ours {'reads' if ours else 'refuses: ' + said[:110]}")
        else:
            print(f"{name}: both read, {'equal' if ours == theirs else 'DIFFERENT'}")
        os.unlink(path)


main()
