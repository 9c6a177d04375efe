//! `widebeam report`: what it writes follows from the record alone.

use std::fs;
use std::path::Path;

use crate::support::*;

/// The columns of records from before there were `family` to `best_level`.
const HEADER: &str = "session,commit,compiler,cpu,processors,caches,suite,search,input,shape,beams,scores,dtype,program,version,threads,seconds,spread,runs,bytes,note";

fn report(folder: &Folder, arguments: &str) -> Run {
    let mut command = tool();
    command
        .current_dir(folder.path(""))
        .arg("report")
        .args(arguments.split_whitespace());
    command.output().unwrap().into()
}

/// A record of one machine, made up.
fn record(folder: &Folder) {
    let machine = folder.path("perf/record/some-cpu-2");
    fs::create_dir_all(&machine).unwrap();
    let row = |session: &str, rest: &str| {
        // The peers and the scaling are of other sessions than the bench.
        let commit = match &session[11..13] {
            "02" => "abc-dirty",
            "03" => "def",
            _ => "abc",
        };
        format!("{session},{commit},rustc 1,Some CPU,2,\"L1d 32K, L2 512K\",{rest}")
    };
    let bench = "bench,independent,random,32x20x1000,3,probs,f32";
    let lines = [
        HEADER.to_owned(),
        row(
            "2026-01-02T00:00:00Z",
            &format!("{bench},roofline,,2,0.001,0.1,7,2560000,"),
        ),
        row(
            "2026-01-02T00:00:00Z",
            &format!("{bench},widebeam,avx2,2,0.002,0.1,7,2560000,"),
        ),
        row(
            "2026-01-02T01:00:00Z",
            &format!("{bench},roofline,,2,0.003,0.1,7,2560000,"),
        ),
        row(
            "2026-01-02T01:00:00Z",
            &format!("{bench},widebeam,avx2,2,0.004,0.1,7,2560000,"),
        ),
        row(
            "2026-01-02T01:00:00Z",
            &format!("{bench},reference,,1,4,0.1,1,2560000,"),
        ),
        row(
            "2026-01-02T02:00:00Z",
            &format!(
                "{},widebeam,avx2,2,0.004,,3,,",
                bench.replace("bench,", "peers,")
            ),
        ),
        row(
            "2026-01-02T02:00:00Z",
            &format!(
                "{},PyTorch,3.0,2,0.4,,3,,a | b",
                bench.replace("bench,", "peers,")
            ),
        ),
        row(
            "2026-01-02T03:00:00Z",
            "strong,ctc,emissions,1x2x3,4,probs,f32,widebeam,avx2,1,2,0,7,24,",
        ),
        row(
            "2026-01-02T03:00:00Z",
            "strong,ctc,emissions,1x2x3,4,probs,f32,roofline,,1,1,0,7,24,",
        ),
        row(
            "2026-01-02T03:00:00Z",
            "strong,ctc,emissions,1x2x3,4,probs,f32,widebeam,avx2,2,1,0,7,24,",
        ),
        row(
            "2026-01-02T03:00:00Z",
            "strong,ctc,emissions,1x2x3,4,probs,f32,roofline,,2,.8,0,7,24,",
        ),
        String::new(),
    ];
    fs::write(machine.join("2026-01-02.csv"), lines.join("\n")).unwrap();
    // An older day counts for nothing that is newer elsewhere.
    let old = [
        HEADER.to_owned(),
        row(
            "2026-01-01T00:00:00Z",
            &format!("{bench},widebeam,avx2,2,9,0.1,7,2560000,"),
        ),
        String::new(),
    ];
    fs::write(machine.join("2026-01-01.csv"), old.join("\n")).unwrap();
}

fn markdown(folder: &Folder, name: &str, blocks: &[&str]) {
    let blocks = blocks.iter();
    let text = blocks.map(|name| format!("before\n<!-- begin:{name} -->\n<!-- end:{name} -->\n"));
    folder.write(name, text.collect::<String>().as_bytes());
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn blocks_are_written_from_the_newest_session_and_stay_as_they_are() {
    let folder = Folder::new();
    record(&folder);
    let blocks = [
        "machines",
        "speed",
        "independent",
        "peers-independent",
        "scaling@some-cpu-2",
    ];
    markdown(&folder, "README.md", &blocks);
    fs::create_dir_all(folder.path("perf")).unwrap();
    markdown(&folder, "perf/README.md", &["scaling"]);

    let missing = report(&folder, "--check README.md");
    missing.refused("not what the record says");
    report(&folder, "README.md perf/README.md").succeeded();
    let text = read(folder.path("README.md"));
    for line in [
        "`some-cpu-2`: Some CPU (unknown model), 2 processors, L1d 32K, L2 512K.",
        "| scaling | def | rustc 1 | 2026-01-02 |",
        "| peers of independent | abc and changes that were in no commit | rustc 1 | 2026-01-02 |",
        "| independent | abc | rustc 1 | 2026-01-02 |",
        "| 32 x 20 x 1000 | 3 | 2 | 4.000 | .75 | 1000 | 100 |",
        "| 32 x 20 x 1000 | 3 | probs | f32 | avx2 | 2 | 4.000 | 10.0 % | 8.0 k | 160.0 k | 0.6 | .75 | 1000 |",
        "| random, 32 x 20 x 1000 | 3 | probs | f32 | PyTorch | 3.0 | 2 | 400.0 | 100 | a / b |",
        "| ctc | strong | 1 x 2 x 3 | 2 | 1000 | 2.00 | 1.00 | 1.25 | .62 | 1.60 |",
        "![Speed-up against threads](perf/record/some-cpu-2/scaling.svg)",
        "before",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(read(folder.path("perf/README.md")).contains("](record/some-cpu-2/scaling.svg)"));
    let plot = folder.path("perf/record/some-cpu-2/scaling.svg");
    assert!(read(&plot).contains("ctc, strong"));

    report(&folder, "README.md perf/README.md").succeeded();
    assert_eq!(read(folder.path("README.md")), text);
    report(&folder, "--check README.md perf/README.md").succeeded();
}

#[test]
fn machines_of_one_name_are_told_apart_by_what_their_rows_say() {
    let folder = Folder::new();
    record(&folder);
    let header = HEADER.replace("cpu,", "cpu,family,model,stepping,best_level,");
    let row = "2026-01-04T00:00:00Z,abc,rustc 1,Some CPU,MACHINE,2,L1d 32K,bench,independent,\
               random,32x20x1000,3,probs,f32,widebeam,avx2,2,0.002,0.1,7,2560000,";
    let machines = [
        ("some-cpu-25-1-1-avx2-2", "25,1,1,avx2"),
        ("some-cpu-25-17-1-avx512-2", "25,17,1,avx512"),
        ("some-cpu-baseline-2", ",,,baseline"),
    ];
    for (name, machine) in machines {
        let lines = format!("{header}\n{}\n", row.replace("MACHINE", machine));
        fs::create_dir_all(folder.path("perf/record").join(name)).unwrap();
        folder.write(
            &format!("perf/record/{name}/2026-01-04.csv"),
            lines.as_bytes(),
        );
    }
    markdown(&folder, "a.md", &["machines"]);
    report(&folder, "a.md").succeeded();
    let text = read(folder.path("a.md"));
    for said in [
        "`some-cpu-2`: Some CPU (unknown model), 2 processors, L1d 32K, L2 512K.",
        "`some-cpu-25-1-1-avx2-2`: Some CPU (family 25, model 1, stepping 1, avx2), 2 processors, L1d 32K.",
        "`some-cpu-25-17-1-avx512-2`: Some CPU (family 25, model 17, stepping 1, avx512), 2 processors, L1d 32K.",
        "`some-cpu-baseline-2`: Some CPU (baseline), 2 processors, L1d 32K.",
    ] {
        assert!(text.lines().any(|line| line == said), "{said}\n{text}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_and_nothing_is_written() {
    let folder = Folder::new();
    record(&folder);
    let refused = |blocks: &[&str], message: &str| {
        markdown(&folder, "a.md", blocks);
        let before = read(folder.path("a.md"));
        report(&folder, "a.md").refused(message);
        assert_eq!(read(folder.path("a.md")), before);
    };
    refused(
        &["speed", "sped"],
        "a.md: begin:sped: there is no such block; there are machines, speed",
    );
    refused(
        &["speed@other-cpu-2"],
        "a.md: begin:speed@other-cpu-2: no such machine in the record",
    );
    assert_eq!(folder.names(), ["a.md", "perf"]);
    folder.write("a.md", b"<!-- begin:speed -->\n");
    report(&folder, "a.md").refused("a.md: begin:speed without its end");
    report(&folder, "gone.md").refused("gone.md");
    report(&folder, "a.md --record gone").refused("gone");
    folder.write("perf/record/some-cpu-2/2026-01-03.csv", b"session\n1\n");
    report(&folder, "a.md").refused("2026-01-03.csv");
}
