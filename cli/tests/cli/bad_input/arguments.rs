//! Arguments that mean nothing, alone or together.

use super::{PROBS, Table, good};

pub(super) fn add(table: &mut Table) {
    table.section("Arguments");
    let independent = "a.npy --search independent";
    let ctc = "a.npy --search ctc --scores probs --beams 3";
    let greedy = "a.npy --search ctc --scores probs --greedy";
    let lm = "--blank 0 --labels l --lm m.arpa";
    for (what, arguments) in [
        ("no kind of scores", format!("{independent} --beams 2")),
        ("no search", "a.npy --scores probs --beams 2".into()),
        ("no input", "--scores probs".into()),
        ("no blank", ctc.into()),
        ("a file and nothing else", "a.npy".into()),
        (
            "half of what is needed",
            "a.npy --search ctc --beams 5 --labels l".into(),
        ),
        (
            "a model for another search, and no kind of scores",
            format!("{independent} --lm m.arpa"),
        ),
        (
            "a threshold for another search",
            format!("a.npy {PROBS} --score-threshold 3"),
        ),
        (
            "a probability for a logarithm",
            format!("{ctc} --blank 0 --blank-skip 0.9"),
        ),
        (
            "a threshold that no token reaches",
            format!("{ctc} --blank 0 --min-token-log-prob 3"),
        ),
        ("a blank counted from the end", format!("{ctc} --blank -1")),
        ("a blank that is no number", format!("{ctc} --blank last")),
        (
            "a fraction of an answer",
            format!("a.npy {PROBS} --nbest 2.5"),
        ),
        (
            "a weight with a comma",
            format!("{ctc} --blank 0 --labels l --lm m.arpa --lm-weight 0,5"),
        ),
        ("-2 threads", format!("a.npy {PROBS} --threads -2")),
        (
            "an unknown search",
            "a.npy --search greedy --scores probs --beams 2".into(),
        ),
        (
            "an unknown kind",
            format!("{independent} --scores guess --beams 2"),
        ),
        ("an unknown format", format!("a.npy {PROBS} --format xml")),
        (
            "a format that the name of the output denies",
            format!("a.npy {PROBS} --format jsonl --output o.npz"),
        ),
        ("an unknown level", format!("a.npy {PROBS} --level sse9")),
        ("an unknown option", format!("a.npy {PROBS} --fast")),
        (
            "beams that are no number",
            format!("{independent} --scores probs --beams two"),
        ),
        ("no beam", format!("{independent} --scores probs --beams 0")),
        (
            "-1 beams",
            format!("{independent} --scores probs --beams -1"),
        ),
        (
            "2^31 beams",
            format!("{independent} --scores probs --beams 2147483648"),
        ),
        (
            "2^64 - 1 beams",
            format!("{independent} --scores probs --beams 18446744073709551615"),
        ),
        (
            "2^64 beams",
            format!("{independent} --scores probs --beams 18446744073709551616"),
        ),
        (
            "2^20 + 1 CTC beams",
            "a.npy --search ctc --blank 0 --scores probs --beams 1048577".into(),
        ),
        (
            "more answers than beams",
            format!("a.npy {PROBS} --nbest 3"),
        ),
        ("no answer", format!("a.npy {PROBS} --nbest 0")),
        ("no thread", format!("a.npy {PROBS} --threads 0")),
        ("65535 threads", format!("a.npy {PROBS} --threads 65535")),
        ("65536 threads", format!("a.npy {PROBS} --threads 65536")),
        (
            "a name for the array of a .npy file",
            format!("a.npy {PROBS} --array x"),
        ),
        (
            "a name for lengths in a .npy file",
            format!("a.npy {PROBS} --lengths-array x"),
        ),
        (
            "lengths from two places",
            format!("a.npy {PROBS} --lengths l.npy --lengths-array x"),
        ),
        (
            "an order of axes that is not known",
            format!("a.npy {PROBS} --layout vtb"),
        ),
        (
            "a blank for another search",
            format!("a.npy {PROBS} --blank 0"),
        ),
        ("a blank beyond the vocabulary", format!("{ctc} --blank 3")),
        (
            "a blank beyond 32 bits",
            format!("{ctc} --blank 4294967296"),
        ),
        (
            "a model without labels",
            format!("{ctc} --blank 0 --lm m.arpa"),
        ),
        (
            "a weight without a model",
            format!("{ctc} --blank 0 --lm-weight 1"),
        ),
        (
            "an unknown unit of a model",
            format!("{ctc} {lm} --lm-unit phone"),
        ),
        (
            "an unknown look-ahead",
            format!("{ctc} {lm} --lm-unit word --lm-lookahead trigram"),
        ),
        (
            "a bonus for words of a model of tokens",
            format!("{ctc} {lm} --word-bonus 1"),
        ),
        (
            "a score of unknown words and a model of tokens",
            format!("{ctc} {lm} --lm-unit token --unknown-score -5"),
        ),
        (
            "look-ahead into words of a model of characters",
            format!("{ctc} {lm} --lm-unit character --lm-lookahead none"),
        ),
        (
            "a bonus for tokens of a model of words",
            format!("{ctc} {lm} --lm-unit word --token-bonus 1"),
        ),
        (
            "a bonus for words without a model",
            format!("{ctc} --blank 0 --word-bonus 1"),
        ),
        (
            "whole words of no phrases",
            format!("{ctc} --blank 0 --whole-words"),
        ),
        ("strictness about no words", format!("{ctc} {lm} --strict")),
        (
            "equal texts without labels",
            format!("{ctc} --blank 0 --merge-text"),
        ),
        (
            "equal texts of another search",
            format!("a.npy {PROBS} --labels l --merge-text"),
        ),
        (
            "what stands between words, without labels",
            format!("{ctc} --blank 0 --word-delimiter x"),
        ),
        (
            "a threshold that is NaN",
            format!("{ctc} --blank 0 --score-threshold NaN"),
        ),
        (
            "a negative threshold",
            format!("{ctc} --blank 0 --score-threshold -1"),
        ),
        (
            "a least log-probability that is NaN",
            format!("{ctc} --blank 0 --min-token-log-prob NaN"),
        ),
        (
            "a least log-probability above 0",
            format!("{ctc} --blank 0 --min-token-log-prob 3"),
        ),
        (
            "a beam for the best path",
            format!("{greedy} --blank 0 --beams 4"),
        ),
        (
            "several best paths",
            format!("{greedy} --blank 0 --nbest 2"),
        ),
        (
            "a model for the best path",
            format!("{greedy} --blank 0 --labels l --lm m"),
        ),
        (
            "the best path of another search",
            "a.npy --search independent --scores probs --greedy".to_owned(),
        ),
        ("the best path without a blank", greedy.to_owned()),
        ("no top token", format!("{ctc} --blank 0 --top-tokens 0")),
        (
            "a limit for blanks that is NaN",
            format!("{ctc} --blank 0 --blank-skip NaN"),
        ),
        (
            "an archive of two inputs",
            format!("a.npy a.npy {PROBS} --format npz"),
        ),
        (
            "lengths of two inputs",
            format!("a.npy a.npy {PROBS} --lengths l.npy"),
        ),
        (
            "output in no folder",
            format!("a.npy {PROBS} --output gone/out"),
        ),
        (
            "output in the place of other scores",
            format!("a.npy {PROBS} --output b.npy --format text"),
        ),
        (
            "output of which the name says no format",
            format!("a.npy {PROBS} --output o.xlsx"),
        ),
        ("a pattern that the shell left", format!("*.gone {PROBS}")),
        (
            "labels that are an array",
            format!("a.npy {PROBS} --labels a.npy"),
        ),
        (
            "output that is a folder",
            format!("a.npy {PROBS} --output ."),
        ),
        (
            "a folder of outputs that is not there",
            format!("a.npy {PROBS} --output-dir gone"),
        ),
        (
            "a folder of outputs that is a file",
            format!("a.npy {PROBS} --output-dir a.npy"),
        ),
        (
            "output and a folder of outputs",
            format!("a.npy {PROBS} --output out --output-dir ."),
        ),
        (
            "two inputs of one output",
            format!("a.npy ./a.npy {PROBS} --output-dir ."),
        ),
        (
            "standard input to a folder of outputs",
            format!("- {PROBS} --output-dir ."),
        ),
        ("keeping going with nothing", "--keep-going".into()),
    ] {
        table.case(what, vec![("a.npy", good())], arguments);
    }
}
