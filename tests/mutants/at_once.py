#!/usr/bin/env python3
"""Compiles all mutants into one build and chooses among them at run time.

    tests/mutants/at_once.py build DIR [FILE ...]   a copy of the tree with all mutants in it
    tests/mutants/at_once.py judge DIR              runs every mutant against the tests
    tests/mutants/at_once.py report DIR             writes table.md, lists what was missed

cargo-mutants builds the tests again for each mutant: 20 seconds for a kernel. Here the
mutants that `cargo mutants --list` names are all written into a copy of the tree, each
behind `fault::on(number)`, and compiled once. The first run of each test records which
mutants it reaches; each mutant then runs against only those tests, the quickest first,
until one fails. The results are written to `DIR/results.jsonl`; a second `judge` goes on
where the first stopped.

What stands where nothing is decided at run time (constants, `const fn`, lengths of
arrays, macros) cannot be judged so and is listed in `DIR/left_out.txt`, for cargo-mutants
itself; a mutant that does not compile goes to `DIR/not_compiled.txt`.

Needs the Python packages tree-sitter and tree-sitter-rust.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import campaign
import tree_sitter
import tree_sitter_rust

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))

# Decided when the code is compiled, so no place for a choice at run time.
CONSTANT = {
    "const_item", "static_item", "attribute_item", "inner_attribute_item", "macro_invocation", "macro_definition",
    "type_arguments", "array_type", "const_block", "enum_variant", "type_parameters", "line_comment", "block_comment",
}

# Compiled into the copy. Each process takes the number of its mutant from the
# environment before `main`, and leaves a list of those it reached where it is asked to.
FAULT_RS = """//! The mutant that is switched on.
#![allow(missing_docs, unsafe_code)]
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

static ACTIVE: AtomicU32 = AtomicU32::new(0);
const RECORD: u32 = u32::MAX;
static REACHED: [AtomicU8; 1 << 14] = [const { AtomicU8::new(0) }; 1 << 14];

#[inline(always)]
pub fn on(number: u32) -> bool {
    let active = ACTIVE.load(Relaxed);
    active != 0 && chosen(active, number)
}

#[inline(never)]
fn chosen(active: u32, number: u32) -> bool {
    if active == RECORD {
        REACHED[number as usize].store(1, Relaxed);
    }
    active == number
}

#[used]
#[unsafe(link_section = ".init_array")]
static START: extern "C" fn() = start;

extern "C" fn start() {
    if let Some(number) = std::env::var("FAULT").ok().and_then(|text| text.parse().ok()) {
        ACTIVE.store(number, Relaxed);
    } else if std::env::var_os("FAULT_RECORD").is_some() {
        ACTIVE.store(RECORD, Relaxed);
    }
}

#[used]
#[unsafe(link_section = ".fini_array")]
static END: extern "C" fn() = end;

extern "C" fn end() {
    if ACTIVE.load(Relaxed) != RECORD {
        return;
    }
    let Ok(folder) = std::env::var("FAULT_RECORD") else { return };
    let numbers: Vec<String> = REACHED
        .iter()
        .enumerate()
        .filter(|(_, reached)| reached.load(Relaxed) != 0)
        .map(|(number, _)| number.to_string())
        .collect();
    let unit = cfg!(test) as u8;
    let _ = std::fs::write(format!("{folder}/{}-{unit}", std::process::id()), numbers.join("\\n"));
}
"""


# ---- Writing the mutants into the source -------------------------------------------

class File:
    """A source file and where cargo-mutants would change it."""

    def __init__(self, text, mutants):
        self.text = text
        self.lines = text.split(b"\n")
        starts = [0]
        for line in self.lines:
            starts.append(starts[-1] + len(line) + 1)
        self.starts = starts
        self.tree = PARSER.parse(text).root_node
        self.by_start = collections.defaultdict(list)
        self.values = []
        for number, mutant in mutants:
            begin, end = (self.offset(mutant["span"][side]) for side in ("start", "end"))
            if mutant["genre"] == "FnValue":
                self.values.append((begin, end, number, mutant))
            else:
                self.by_start[begin].append((number, mutant))
        self.placed = set()

    def offset(self, place):
        line = self.lines[place["line"] - 1].decode()
        return self.starts[place["line"] - 1] + len(line[:place["column"] - 1].encode())

    def plain(self, node):
        return self.text[node.start_byte:node.end_byte].decode()

    def at(self, node, *genres):
        found = [(number, mutant) for number, mutant in self.by_start.get(node.start_byte, ())
                 if mutant["genre"] in genres]
        self.placed.update(number for number, _ in found)
        return found

    def children(self, node, changed=()):
        """The text of a node with the mutants of its children in it."""
        changed = dict(changed)
        out, position = [], node.start_byte
        for child in node.children:
            out.append(self.text[position:child.start_byte].decode())
            out.append(changed[child.id] if child.id in changed else self.rewrite(child))
            position = child.end_byte
        out.append(self.text[position:node.end_byte].decode())
        return "".join(out)

    def rewrite(self, node):
        if node.type in CONSTANT or not node.children:
            return self.plain(node)
        method = getattr(self, node.type, None)
        return method(node) if method else self.children(node)

    @staticmethod
    def choose(alternatives, default):
        arms = "".join(f"if FAULT::on({number}) {{ {text} /*.{number}*/ }} else " for number, text in alternatives)
        return f"({arms}{{ {default} }})"

    def function_item(self, node):
        modifiers = [self.plain(child) for child in node.children if child.type == "function_modifiers"]
        if any("const" in words.split() for words in modifiers):
            return self.plain(node)
        body = node.child_by_field_name("body")
        result = node.child_by_field_name("return_type")
        # Two values of an `impl Trait` would be of two types.
        own = [] if result and "impl " in self.plain(result) else self.own_values(body)
        text = self.children(body)
        if own:
            arms = "".join(f" if FAULT::on({number}) {{ return {mutant['replacement']}; /*.{number}*/ }}"
                           for number, mutant in own)
            text = "{" + arms + text[1:]
        return self.children(node, {body.id: text})

    def own_values(self, body):
        inside = [value for value in self.values if body.start_byte <= value[0] and value[1] <= body.end_byte]
        functions = []
        gather(body, "function_item", functions)
        inner = [function.child_by_field_name("body") for function in functions]
        own = [value for value in inside
               if not any(block.start_byte < value[0] and value[1] < block.end_byte for block in inner)]
        self.placed.update(number for _, _, number, _ in own)
        return [(number, mutant) for _, _, number, mutant in own]

    def array_expression(self, node):
        length = node.child_by_field_name("length")
        return self.children(node, {length.id: self.plain(length)} if length else ())

    def binary_expression(self, node):
        left, operator, right = (node.child_by_field_name(name) for name in ("left", "operator", "right"))
        found = self.at(operator, "BinaryOperator")
        if not found:
            return self.children(node)
        alternatives = [(number, f"({self.plain(left)}) {mutant['replacement']} ({self.plain(right)})")
                        for number, mutant in found]
        default = f"({self.rewrite(left)}) {self.plain(operator)} ({self.rewrite(right)})"
        return self.choose(alternatives, default)

    def compound_assignment_expr(self, node):
        left, operator, right = (node.child_by_field_name(name) for name in ("left", "operator", "right"))
        found = self.at(operator, "BinaryOperator")
        if not found:
            return self.children(node)
        alternatives = [(number, f"{self.plain(left)} {mutant['replacement']} {self.plain(right)}")
                        for number, mutant in found]
        default = f"{self.rewrite(left)} {self.plain(operator)} {self.rewrite(right)}"
        return self.choose(alternatives, default)

    def unary_expression(self, node):
        found = self.at(node.children[0], "UnaryOperator")
        if not found:
            return self.children(node)
        value = node.children[1]
        alternatives = [(number, self.plain(value)) for number, _ in found]
        return self.choose(alternatives, f"{self.plain(node.children[0])}({self.rewrite(value)})")

    def struct_expression(self, node):
        fields = next((child for child in node.children if child.type == "field_initializer_list"), None)
        alternatives = []
        for field in fields.named_children if fields else ():
            for number, _ in self.at(field, "StructField"):
                text = self.plain(node)
                begin, end = field.start_byte - node.start_byte, field.end_byte - node.start_byte
                raw = text.encode()
                rest = raw[end:].decode().lstrip().removeprefix(",")
                alternatives.append((number, raw[:begin].decode() + rest))
        return self.choose(alternatives, self.children(node)) if alternatives else self.children(node)

    def match_arm(self, node):
        deleted = self.at(node, "MatchArm")
        pattern = node.child_by_field_name("pattern")
        condition = pattern.child_by_field_name("condition")
        if condition is None:
            if not deleted:
                return self.children(node)
            off = " && ".join(f"!FAULT::on({number}) /*.{number}*/" for number, _ in deleted)
            return self.children(node, {pattern.id: f"{self.plain(pattern)} if {off}"})
        guards = self.at(condition, "MatchArmGuard")
        # Another operator may begin where the guard does.
        text = self.rewrite(condition)
        if guards:
            text = self.choose([(number, mutant["replacement"]) for number, mutant in guards], text)
        off = "".join(f"!FAULT::on({number}) /*.{number}*/ && " for number, _ in deleted)
        changed = self.children(pattern, {condition.id: f"{off}{text}"})
        return self.children(node, {pattern.id: changed})


def gather(node, kind, found, nested=False):
    for child in node.children:
        if child.type == kind:
            found.append(child)
        if child.type != kind or nested:
            gather(child, kind, found, nested)


def write(folder, numbered, without):
    """Writes the files of the copy with all mutants but those `without`; what was placed."""
    files = collections.defaultdict(list)
    for number, mutant in numbered.items():
        files[mutant["file"]].append((number, mutant))
    placed = set()
    for name, mutants in files.items():
        file = File((ROOT / name).read_bytes(), [pair for pair in mutants if pair[0] not in without])
        text = file.text[:file.tree.start_byte].decode() + file.rewrite(file.tree)
        text += file.text[file.tree.end_byte:].decode()
        library = not name.startswith(("cli/", "perf/"))
        (folder / name).write_text(text.replace("FAULT::", "crate::fault::" if library else "::widebeam::fault::"))
        placed |= file.placed
    return placed


# ---- Building -----------------------------------------------------------------------

def cargo(folder, *command):
    environment = dict(os.environ, CARGO_PROFILE_DEV_DEBUG="0", CARGO_INCREMENTAL="0")
    return subprocess.run(["cargo", *command, "--message-format=json"], cwd=folder, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def blamed(folder, messages):
    """Mutants in which the compiler found an error, and those that cannot be a choice."""
    numbers, unsuited, others = set(), set(), []
    for line in messages.splitlines():
        message = json.loads(line)
        if message.get("reason") != "compiler-message" or message["message"]["level"] != "error":
            continue
        found = set()
        for span in message["message"]["spans"]:
            path = folder / span["file_name"]
            if not path.is_file() or "src" not in path.parts:
                continue
            raw = path.read_bytes()
            if (message["message"]["code"] or {}).get("code") == "E0004":
                # An arm that may be deleted counts as one with a condition.
                found = deletions(raw, span["byte_start"])
                unsuited |= found
                break
            # The alternative that the error stands in ends with its number.
            for start in re.finditer(rb"fault::on\((\d+)\) \{", raw):
                number = start.group(1)
                end = raw.find(b"/*." + number + b"*/", start.end())
                if start.start() <= span["byte_start"] and span["byte_end"] <= end + len(number) + 5:
                    found.add(int(number))
            if not found:
                # An error of the choice itself: all of its alternatives go.
                for start in re.finditer(rb"fault::on\((\d+)\)", raw[span["byte_start"]:span["byte_end"]]):
                    found.add(int(start.group(1)))
            if found:
                break
        numbers |= found - unsuited
        if not found:
            others.append(message["message"]["rendered"])
    return numbers, unsuited, others


def deletions(raw, position):
    """Mutants that delete an arm of the match on what stands at a position."""
    matches = []
    gather(PARSER.parse(raw).root_node, "match_expression", matches, nested=True)
    for match in matches:
        value = match.child_by_field_name("value")
        if value.start_byte <= position < value.end_byte:
            text = raw[match.start_byte:match.end_byte]
            return {int(number) for number in re.findall(rb"!(?:crate|::widebeam)::fault::on\((\d+)\)", text)}
    return set()


# A mutant may be what the compiler denies when it sees it, like an overflow.
ALLOW = "#![allow(warnings, arithmetic_overflow, unconditional_panic, missing_docs, unsafe_code)]\n"


def crate_roots(folder):
    command = ["cargo", "metadata", "--format-version=1", "--no-deps"]
    found = json.loads(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout)
    paths = {pathlib.Path(target["src_path"]) for package in found["packages"] for target in package["targets"]
             if not {"custom-build", "bench"} & set(target["kind"])}
    return sorted(paths)


def leave_out_avx512(folder):
    """A level that the machine does not have never runs, and is a third of the build."""
    if "avx512vl" not in pathlib.Path("/proc/cpuinfo").read_text():
        dispatch = folder / "src" / "simd" / "level.rs"
        arm = r"Dispatch::Avx512\(token\) => token\.\w+\(kernel\)"
        text, found = re.subn(arm, "Dispatch::Avx512(_) => unreachable!()", dispatch.read_text())
        if not found:
            sys.exit(f"no dispatch to AVX-512 in {dispatch}")
        dispatch.write_text(text)


def build(folder, globs):
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    # Results of an earlier build go, too: they number other mutants.
    subprocess.run(["rsync", "-a", "--delete", "--exclude=/target", "--exclude=.git",
                    f"{ROOT}/", f"{folder}/"], check=True)
    options = [word for glob in globs for word in ("-f", glob)]
    listed = subprocess.run(["cargo", "mutants", "--workspace", "--list", "--json", *options], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    numbered = {}
    for number, mutant in enumerate(json.loads(listed), 1):
        mutant["line"] = (ROOT / mutant["file"]).read_text().split("\n")[mutant["span"]["start"]["line"] - 1]
        mutant.pop("diff", None)
        numbered[number] = mutant
    (folder / "mutants.json").write_text(json.dumps(numbered))
    (folder / "src" / "fault.rs").write_text(FAULT_RS)

    without, unsuited, placed = set(), set(), set()
    while True:
        placed = write(folder, numbered, without | unsuited)
        for path in crate_roots(folder):
            text = path.read_text()
            if path == folder / "src" / "lib.rs" and "pub mod fault;" not in text:
                text += "\n#[doc(hidden)]\npub mod fault;\n"
            path.write_text(ALLOW + text.removeprefix(ALLOW))
        leave_out_avx512(folder)
        checked = cargo(folder, "check", "--tests", "--bins")
        if checked.returncode == 0:
            break
        numbers, no_choice, others = blamed(folder, checked.stdout)
        if not (numbers | no_choice) - without - unsuited:
            sys.exit("cannot be built:\n" + "\n".join(others[:5]) + checked.stderr[-2000:])
        without |= numbers
        unsuited |= no_choice
        print(f"{len(without)} do not compile", flush=True)
    kept = sorted(placed - without - unsuited)
    names = {number: mutant["name"] for number, mutant in numbered.items()}
    (folder / "not_compiled.txt").write_text("".join(names[number] + "\n" for number in sorted(without)))
    left = sorted(set(numbered) - placed - without)
    (folder / "left_out.txt").write_text("".join(names[number] + "\n" for number in left))
    (folder / "placed.json").write_text(json.dumps(kept))
    print(f"{len(kept)} mutants placed, {len(without)} not compiled, {len(left)} left out", flush=True)
    built = cargo(folder, "test", "--no-run", "--lib", "--bins", "--tests")
    if built.returncode != 0:
        sys.exit(built.stderr[-4000:])
    binaries = []
    for line in built.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            package = pathlib.Path(message["manifest_path"]).parent
            binaries.append([message["target"]["name"], message["executable"], str(package)])
    (folder / "binaries.json").write_text(json.dumps(binaries))


# ---- Judging ------------------------------------------------------------------------

def environment(**more):
    return dict(os.environ, RUST_BACKTRACE="0", CARGO_TERM_COLOR="never", **more)


def run_test(executable, package, arguments, seconds, **variables):
    """True if all passed, False if not, None if it took too long."""
    # A mutant that asks for all memory must not take the machine with it.
    command = ["prlimit", "--data=12000000000", executable, *arguments]
    process = subprocess.Popen(command, cwd=package, env=environment(**variables), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return None
    finally:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()


def reach(folder, jobs, skipped):
    """For every test its seconds and the mutants that it reaches."""
    known = folder / "reach.json"
    if known.exists():
        return json.loads(known.read_text())
    tests = []
    for target, executable, package in json.loads((folder / "binaries.json").read_text()):
        listed = subprocess.run([executable, "--list", "--format=terse"], cwd=package, check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        tests += [(target, executable, package, line.removesuffix(": test")) for line in listed.splitlines()
                  if line.endswith(": test") and not re.search(skipped, f"{target} {line}")]

    def one(test):
        target, executable, package, name = test
        with tempfile.TemporaryDirectory() as out:
            start = time.time()
            passed = run_test(executable, package, ["--exact", name], 600, FAULT_RECORD=out)
            seconds = time.time() - start
            reached = set()
            for file in pathlib.Path(out).iterdir():
                reached |= {int(word) for word in file.read_text().split()}
        if not passed:
            print(f"without any mutant fails: {target} {name}", flush=True)
            return None
        return [target, executable, package, name, seconds, sorted(reached)]

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        found = [test for test in pool.map(one, tests) if test]
    known.write_text(json.dumps(found))
    return found


def module(file):
    """Where the unit tests of a file lie."""
    path = file.removesuffix(".rs").removesuffix("/mod").split("/src/")[-1].removeprefix("src/")
    return path.replace("/", "::") + "::"


def judge(folder, jobs, seconds, skipped, only, most):
    folder = folder.resolve()
    deadline = time.time() + seconds
    tests = reach(folder, jobs, skipped)
    print(f"{len(tests)} tests", flush=True)
    reaching = collections.defaultdict(list)
    for index, test in enumerate(tests):
        for number in test[5]:
            reaching[number].append(index)
    numbered = json.loads((folder / "mutants.json").read_text())
    out = folder / "results.jsonl"
    lines = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    # What was put off is judged again, now with more.
    done = {line["number"] for line in lines if line["summary"] != "NotEnough"}
    lock = threading.Lock()
    counts = collections.Counter()
    kills = collections.Counter()

    def one(number):
        if number in done or time.time() > deadline:
            return
        summary, by = "MissedMutant", None
        mutant = numbered[str(number)]
        # First those that noticed others of the same function, then the file's own, then
        # the quick ones.
        key = (mutant["file"], (mutant["function"] or {}).get("function_name"))
        own = module(mutant["file"])
        order = sorted(reaching[number], key=lambda i: (-min(kills[key, i], 3), not tests[i][3].startswith(own), tests[i][4]))
        position, size, spent = 0, 1, 0
        while position < len(order) and spent <= most:
            # Of one binary at a time, more with each try.
            binary = tests[order[position]][1]
            rest = [i for i in order[position:] if tests[i][1] == binary][:size]
            order = order[:position] + rest + [i for i in order[position:] if i not in set(rest)]
            position, size = position + len(rest), size * 2
            expected = sum(tests[i][4] for i in rest)
            spent, limit = spent + expected, 20 + 10 * expected
            passed = run_test(binary, tests[rest[0]][2], ["--exact", *(tests[i][3] for i in rest)], limit,
                              FAULT=str(number))
            if passed is not True:
                summary, by = ("Timeout" if passed is None else "CaughtMutant"), [f"{tests[i][0]} {tests[i][3]}" for i in rest]
                for i in rest:
                    kills[key, i] += 1 / len(rest)
                break
        else:
            if position < len(order):
                summary = "NotEnough"
        with lock, out.open("a") as file:
            file.write(json.dumps({"number": number, "name": mutant["name"], "file": mutant["file"], "summary": summary,
                                   "reached": len(reaching[number]), "by": by, "line": mutant["line"],
                                   "span": mutant["span"]}) + "\n")
            counts[summary] += 1
            if summary in ("MissedMutant", "NotEnough"):
                print(summary, mutant["name"], f"({len(reaching[number])} tests)", flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, [number for number in json.loads((folder / "placed.json").read_text())
                            if re.search(only, numbered[str(number)]["file"])]))
    print(dict(counts), flush=True)


def report(folder):
    """Writes the rows of the files that were judged; how many mutants were missed."""
    numbered = json.loads((folder / "mutants.json").read_text())
    not_compiled = set((folder / "not_compiled.txt").read_text().splitlines())
    totals = collections.Counter(mutant["file"] for mutant in numbered.values() if mutant["name"] not in not_compiled)
    last = {}
    for line in (folder / "results.jsonl").read_text().splitlines():
        result = json.loads(line)
        last[result["number"]] = result
    judged = collections.defaultdict(list)
    for result in last.values():
        if result["summary"] != "NotEnough":
            indented = len(result["line"]) - len(result["line"].lstrip())
            judged[result["file"]].append(campaign.Mutant(
                result["name"], result["file"], result["name"].split(": ", 1)[1], result["line"].strip(),
                str(result["span"]["start"]["column"] - indented), result["summary"], 0))
    for file in sorted(totals):
        campaign.write_row(file, judged[file], totals[file])
    return campaign.report([mutant for mutants in judged.values() for mutant in mutants])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("build")
    making.add_argument("folder", type=pathlib.Path)
    making.add_argument("files", nargs="*")
    judging = commands.add_parser("judge")
    judging.add_argument("folder", type=pathlib.Path)
    judging.add_argument("--jobs", type=int, default=os.cpu_count())
    judging.add_argument("--seconds", type=float, default=float("inf"))
    judging.add_argument("--skip", default="^$", help="tests not to run, as a regular expression on `target test`")
    judging.add_argument("--most", type=float, default=float("inf"),
                         help="seconds of tests after which a mutant that none noticed is put off")
    judging.add_argument("--only", default="", help="files whose mutants are judged, as a regular expression")
    commands.add_parser("report").add_argument("folder", type=pathlib.Path)
    given = parser.parse_args()
    if given.command == "build":
        build(given.folder, given.files)
    elif given.command == "report":
        sys.exit(1 if report(given.folder) else 0)
    else:
        judge(given.folder, given.jobs, given.seconds, given.skip, given.only, given.most)


if __name__ == "__main__":
    main()
