//! The pages of the repository: their links, and the shell commands that they show.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository, if this package lies in it.
fn root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    root.join("docs/guide").is_dir().then(|| root.to_owned())
}

/// All pages, by their paths from the root.
fn pages(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_ours = !name.starts_with('.') && !["target", "shared"].contains(&name);
            if path.is_dir() && is_ours {
                folders.push(path);
            } else if name.ends_with(".md") {
                let path = path.strip_prefix(root).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// The blocks of code of a page, each with the language that its fence names.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = Vec::new();
    let mut is_code = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_code = !is_code;
            if is_code {
                blocks.push((language, String::new()));
            }
        } else if is_code {
            let (_, block) = blocks.last_mut().unwrap();
            *block += line;
            block.push('\n');
        }
    }
    blocks
}

/// The lines of a page that are no code.
fn prose(page: &str) -> String {
    let mut is_code = false;
    let mut prose = String::new();
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            prose += line;
            prose.push('\n');
        }
    }
    prose
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let Some(root) = root() else { return };
    let mut links = 0;
    for page in pages(&root) {
        let text = prose(&fs::read_to_string(root.join(&page)).unwrap());
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.contains("://") || link.starts_with("crate::") {
                continue;
            }
            links += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let mut target = root.join(&page);
            if !path.is_empty() {
                target.pop();
                target.push(path);
            }
            assert!(target.exists(), "{page}: {link}");
            if !heading.is_empty() {
                let text = prose(&fs::read_to_string(&target).unwrap());
                let mut headings = text.lines().filter_map(|line| {
                    let heading = line.trim_start_matches('#');
                    (heading.len() < line.len()).then(|| anchor(heading))
                });
                assert!(headings.any(|found| found == heading), "{page}: {link}");
            }
        }
    }
    assert!(links > 50, "{links}");
}

/// Each example has its line.
#[test]
fn the_page_of_the_examples_names_them_all() {
    let Some(root) = root() else { return };
    let page = fs::read_to_string(root.join("examples/README.md")).unwrap();
    let mut examples = 0;
    for folder in ["examples", "python/examples"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "README.md" && !name.starts_with("__") {
                let name = name.trim_end_matches(".rs");
                assert!(page.contains(&format!("`{name}")), "{name}");
                examples += 1;
            }
        }
    }
    assert!(examples >= 12, "{examples}");
}

/// Blocks in the shell that no test runs: the pages that have them, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("CONTRIBUTING.md", "the suite itself, and minutes"),
    (
        "docs/coming_from/README.md",
        "installs packages for minutes",
    ),
    (
        "examples/browser/README.md",
        "needs a browser; tests/machines runs it",
    ),
    ("examples/smollm2/README.md", "fetches a model"),
    ("examples/transducer/README.md", "trains for twenty minutes"),
    ("fuzz/README.md", "minutes; .ci/run runs smoke.sh"),
    (
        "perf/README.md",
        "measures for minutes, beside other packages",
    ),
    (
        "python/README.md",
        "installs the wheel and tests it; .ci/wheel does",
    ),
    ("tests/README.md", "the suite itself"),
    (
        "tests/mutants/README.md",
        "builds for minutes; .ci/run runs campaign.py",
    ),
];

/// Those pages say what is there: files exist, and so do options of the tool.
#[test]
fn commands_that_are_not_run_name_what_there_is() {
    let Some(root) = root() else { return };
    let ours = ["tests/", "perf/", "fuzz/", "examples/", ".ci/", "src/"];
    for (page, _why) in NOT_RUN {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let shell = blocks(&text)
            .into_iter()
            .filter(|(language, _)| *language == "sh");
        let commands: String = shell.map(|(_, block)| block.replace("\\\n", " ")).collect();
        assert!(!commands.is_empty(), "{page}");
        for line in commands.lines() {
            let command = line.split(" #").next().unwrap();
            let words: Vec<&str> = command.split_whitespace().collect();
            for word in &words {
                // A run of the fuzz targets makes the corpus.
                let is_ours = ours.iter().any(|folder| word.starts_with(folder))
                    && !word.starts_with("fuzz/corpus/");
                assert!(!is_ours || root.join(word).exists(), "{page}: {word}");
            }
            for pair in words.windows(2) {
                if pair[0] == "--test" {
                    let file = root.join("tests").join(pair[1]);
                    let is_there =
                        file.with_extension("rs").exists() || file.join("main.rs").exists();
                    assert!(is_there, "{page}: {}", pair[1]);
                }
            }
            if let Some(at) = words
                .iter()
                .position(|word| *word == "target/release/widebeam")
            {
                // An unknown option before it is an error.
                let mut tool = crate::support::tool();
                let run = tool.args(&words[at + 1..]).arg("--help").output().unwrap();
                assert!(run.status.success(), "{page}: {command}");
            }
        }
    }
}

/// Runs the shell blocks of the other pages, each in a folder with the files that it reads.
#[cfg(target_os = "linux")]
mod run {
    use std::path::PathBuf;
    use std::process::Command;

    use super::{NOT_RUN, blocks, pages, root};
    use crate::support::{Folder, Run, npy, npz, random_probs};

    fn page(name: &str) -> Option<Vec<String>> {
        let text = std::fs::read_to_string(root()?.join(name)).unwrap();
        let shell = blocks(&text)
            .into_iter()
            .filter(|(language, _)| *language == "sh");
        Some(shell.map(|(_, block)| block).collect())
    }

    /// Runs a block, but for lines that install the tool or build it.
    fn bash(folder: &Folder, block: &str) -> Run {
        let is_cargo = |line: &&str| line.starts_with("cargo ");
        let script: Vec<&str> = block.lines().filter(|line| !is_cargo(line)).collect();
        let tool = PathBuf::from(env!("CARGO_BIN_EXE_widebeam"));
        let path = format!(
            "{}:{}",
            tool.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", &script.join("\n")]);
        let bash = bash.env("PATH", path).current_dir(folder.path(""));
        Run::from(bash.output().unwrap()).succeeded()
    }

    fn lines(folder: &Folder, name: &str) -> usize {
        let text = std::fs::read_to_string(folder.path(name)).unwrap();
        text.lines().count()
    }

    const LABELS: &[u8] = b"-\na\nb\nc\n \n";

    fn arpa(words: &[&str]) -> Vec<u8> {
        let lines: String = ["<s>", "</s>", "<unk>"]
            .iter()
            .chain(words)
            .map(|word| format!("-0.8\t{word}\n"))
            .collect();
        let count = words.len() + 3;
        format!("\\data\\\nngram 1={count}\n\n\\1-grams:\n{lines}\n\\end\\\n").into_bytes()
    }

    #[test]
    fn each_page_runs_or_says_why_not() {
        let Some(root) = root() else { return };
        let run = ["README.md", "cli/README.md", "python/going-further.md"];
        for page in pages(&root) {
            let text = std::fs::read_to_string(root.join(&page)).unwrap();
            let has_shell = blocks(&text).iter().any(|(language, _)| *language == "sh");
            let is_named =
                run.contains(&&*page) || NOT_RUN.iter().any(|(name, _why)| *name == page);
            assert_eq!(has_shell, is_named, "{page}");
        }
    }

    /// Its first block has two commands that `.ci/run` runs.
    #[test]
    fn the_readme() {
        let Some(blocks) = page("README.md") else {
            return;
        };
        assert_eq!(blocks[0], "cargo run --release\ncargo test\n");
        let folder = Folder::new();
        folder.write("lm.npy", &random_probs([2, 20, 1000], 1));
        let run = bash(&folder, &blocks[1]);
        assert!(run.stdout.lines().count() == 3, "{run:?}");
        assert_eq!(blocks.len(), 2);
    }

    #[test]
    fn the_page_of_the_tool() {
        let Some(blocks) = page("cli/README.md") else {
            return;
        };
        let folder = Folder::new();
        let run = bash(&folder, &blocks[0]);
        assert!(run.stdout.contains("Character errors"), "{run:?}");
        assert!(run.stdout.contains("--blank-skip"), "{run:?}");

        std::fs::create_dir(folder.path("lines")).unwrap();
        folder.write("lines/one.npy", &random_probs([1, 30, 5], 2));
        folder.write("lines/two.npy", &random_probs([1, 20, 5], 3));
        folder.write("labels.txt", LABELS);
        folder.write("letters.arpa", &arpa(&["a", "b", "c", "<space>"]));
        bash(&folder, &blocks[1]);
        assert_eq!(lines(&folder, "texts.csv"), 3);

        // What the page makes with numpy; python/tests/test_readme.py runs that.
        let folder = Folder::new();
        let lm = random_probs([8, 20, 1000], 4);
        folder.write("lm.npy", &lm);
        let logs = npy(
            "<f4",
            npyz::Order::C,
            &[1, 2, 3],
            &[-1.5f32, -0.5, -2.0, -1.0, -1.0, -2.0],
        );
        folder.write("lm.npz", &npz(&[("log_probs", logs)]));
        let probs = random_probs([8, 50, 5], 5);
        folder.write("emissions.npy", &probs);
        folder.write("letters.npz", &npz(&[("probs", probs.clone())]));
        std::fs::create_dir(folder.path("night")).unwrap();
        for (name, longest) in [("night/one.npz", 40), ("night/two.npz", 50)] {
            let lengths = npy("<i8", npyz::Order::C, &[8], &[longest as i64; 8]);
            folder.write(
                name,
                &npz(&[("probs", probs.clone()), ("lengths", lengths)]),
            );
        }
        folder.write("labels.txt", LABELS);
        folder.write("letters.arpa", &arpa(&["a", "b", "c", "<space>"]));
        folder.write("words.arpa", &arpa(&["cab", "abba", "bacca"]));
        folder.write("words.txt", b"cab\nabba\nbacca\n");
        let mut gzip = Command::new("gzip");
        let gzip = gzip.args(["--keep", "lm.npy"]).current_dir(folder.path(""));
        assert!(gzip.status().unwrap().success());
        bash(&folder, &blocks[2]);
        assert_eq!(lines(&folder, "nbest.jsonl"), 8);
        assert_eq!(lines(&folder, "texts.csv"), 8 * 5 + 1);
        assert!(folder.path("nbest.npz").exists());
        assert!(folder.path("answers/one.npz").exists() && folder.path("answers/two.npz").exists());
        assert_eq!(blocks.len(), 3);
    }

    /// Its dots stand for the options of its first block.
    #[test]
    fn jobs_of_the_tool() {
        let Some(blocks) = page("python/going-further.md") else {
            return;
        };
        let folder = Folder::new();
        std::fs::create_dir(folder.path("emissions")).unwrap();
        for item in 0..16 {
            let logits = vec![-2.0f32 - item as f32 / 100.0; 10 * 10];
            let logs = npy("<f4", npyz::Order::C, &[10, 10], &logits);
            folder.write(
                &format!("emissions/{item:02}.npz"),
                &npz(&[("log_probs", logs)]),
            );
        }
        folder.write("labels.txt", b"-\n \nw\n0\n1\n2\n3\n4\n5\n6\n");
        let model = root()
            .unwrap()
            .join("tests/fixtures/kenlm/order3.probing.bin");
        folder.write("words.bin", &std::fs::read(model).unwrap());
        bash(&folder, &blocks[0]);
        let answers = || std::fs::read_dir(folder.path("answers")).unwrap().count();
        assert_eq!(answers(), 2);

        let options = "--search ctc --blank 0 --scores log-probs --labels labels.txt \
                       --format jsonl --output-dir answers";
        let slurm = "export SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=8 SLURM_CPUS_PER_TASK=2\n";
        bash(
            &folder,
            &(slurm.to_owned() + &blocks[1].replace("...", options)),
        );
        assert_eq!(answers(), 4);
        assert!(folder.path("summary-1.json").exists());
        bash(&folder, &blocks[2].replace("...", options));
        assert_eq!(answers(), 16);
        assert_eq!(blocks.len(), 3);
    }
}
