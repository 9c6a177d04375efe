//! `widebeam scaling` and `widebeam info`, on tensors too small to mean
//! anything.

use serde_json::Value;

use crate::support::*;

fn scaling(arguments: &str) -> Run {
    let mut command = tool();
    command.arg("scaling").args(arguments.split_whitespace());
    command.output().unwrap().into()
}

fn document(run: Run) -> Value {
    let run = run.succeeded();
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn every_search_is_measured_under_both_laws_at_every_count_of_threads() {
    let arguments = "--shape 4x5x40 --beams 3 --threads 3,2 --runs 2 --json";
    let document = document(scaling(arguments));
    assert_eq!(document["bench"], "scaling");
    let series = document["rows"].as_array().unwrap();
    let named: Vec<_> = series
        .iter()
        .map(|series| {
            let text = |name: &str| series[name].as_str().unwrap();
            format!("{} {}", text("search"), text("law"))
        })
        .collect();
    let searches = ["independent", "autoregressive", "ctc", "transducer"];
    let expected: Vec<_> = searches
        .iter()
        .flat_map(|search| ["strong", "weak"].map(|law| format!("{search} {law}")))
        .collect();
    assert_eq!(named, expected);
    for series in series {
        let points = series["points"].as_array().unwrap();
        let number = |point: &Value, name: &str| point[name].as_f64().unwrap();
        let threads: Vec<_> = points
            .iter()
            .map(|point| number(point, "threads"))
            .collect();
        assert_eq!(threads, [1.0, 2.0, 3.0]);
        assert_eq!(number(&points[0], "speed_up"), 1.0);
        let work = number(&points[2], "bytes") / number(&points[0], "bytes");
        assert_eq!(work, if series["law"] == "weak" { 3.0 } else { 1.0 });
        for point in points {
            let speed_up = number(point, "speed_up");
            let rate = |point: &Value| {
                number(point, "bytes") / point["engine"]["seconds"].as_f64().unwrap()
            };
            assert!((speed_up - rate(point) / rate(&points[0])).abs() < 1e-9);
            let efficiency = number(point, "efficiency");
            assert!((efficiency - speed_up / number(point, "threads")).abs() < 1e-9);
        }
        assert_eq!(series["reference"]["steps"], 5, "{series}");
        for point in points {
            assert_eq!(point["checked"]["items"], point["checked"]["all_items"]);
        }
        let fitted = series["serial_share"].is_number();
        let explained = series["no_serial_share"].is_string();
        assert_eq!(fitted != explained, series["law"] == "strong", "{series}");
    }
}

#[test]
fn plots_are_pictures_and_csv_is_csv() {
    let folder = Folder::new();
    let common = "independent --shape 2x5x40 --beams 3 --threads 2 --runs 1";
    for name in ["plot.svg", "plot.png"] {
        let path = folder.path(name);
        let csv = folder.path("out.csv");
        let run = scaling(&format!(
            "{common} --plot {} --csv {}",
            path.display(),
            csv.display()
        ));
        let run = run.succeeded();
        assert!(run.stdout.contains("serial share"), "{run:?}");
        let bytes = std::fs::read(&path).unwrap();
        match name {
            "plot.svg" => assert!(bytes.starts_with(b"<svg")),
            _ => assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n")),
        }
        let mut csv = csv::Reader::from_path(&csv).unwrap();
        assert_eq!(csv.records().map(Result::unwrap).count(), 2 * 2 * 2);
    }
}

#[test]
fn one_count_of_threads_has_no_serial_share() {
    let run = scaling("ctc --shape 2x5x40 --beams 3 --threads 1 --runs 1").succeeded();
    assert!(
        run.stdout.contains("no fit: one count of threads"),
        "{run:?}"
    );
}

#[test]
fn a_profile_has_a_run_for_each_count() {
    let folder = Folder::new();
    let path = folder.path("trace.json");
    let run = scaling(&format!(
        "independent --shape 2x5x40 --beams 3 --threads 2 --runs 1 --profile {}",
        path.display()
    ));
    run.succeeded();
    let trace: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let runs = trace.as_array().unwrap().iter();
    let runs = runs.filter(|event| event["name"] == "process_name").count();
    assert_eq!(runs, 2 * 2);
}

#[test]
fn impossible_arguments_are_refused_with_their_value() {
    for (arguments, value) in [
        ("--threads 1,0", "'0'"),
        ("--threads 1,,2", "''"),
        ("--threads two", "'two'"),
        ("--threads 70000", "'70000'"),
        ("--shape 2x5 --beams 3", "'2x5'"),
        ("--scores words", "'words'"),
        ("beam", "'beam'"),
    ] {
        let run = scaling(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(value), "{run:?}");
    }
    scaling("--plot plot.jpg").refused("--plot plot.jpg: a picture's name ends in .svg or .png");
    scaling("--plot gone/plot.svg").refused("the folder gone does not exist");
}

#[test]
fn info_says_what_there_is_and_why() {
    let info = |level: Option<&str>, arguments: &str| -> Run {
        let mut command = tool();
        command.arg("info").args(arguments.split_whitespace());
        if let Some(level) = level {
            command.env(widebeam::Level::VARIABLE, level);
        }
        command.output().unwrap().into()
    };
    let found = document(info(None, "--json --megabytes 1 --threads 2"));
    assert_eq!(found["level"], widebeam::Level::best().name());
    assert_eq!(found["level_why"], "the best of the processor");
    assert_eq!(found["threads"], 2);
    assert_eq!(found["best_level"], widebeam::Level::best().name());
    let folder = found["machine"].as_str().unwrap();
    let end = format!(
        "-{}-{}",
        widebeam::Level::best().name(),
        found["processors"]
    );
    assert!(folder.ends_with(&end), "{folder}");
    if cfg!(target_arch = "x86_64") {
        let parts = ["family", "model", "stepping"].map(|name| found[name].to_string());
        assert!(
            folder.contains(&format!("-{}-", parts.join("-"))),
            "{folder}"
        );
    }
    let bandwidth = found["bandwidth"].as_array().unwrap();
    let threads: Vec<_> = bandwidth.iter().map(|read| &read["threads"]).collect();
    assert_eq!(threads, [1, 2]);
    let levels = found["levels"].as_array().unwrap();
    assert_eq!(levels.len(), widebeam::Level::ALL.len());

    let forced = info(Some("baseline"), "--megabytes 1").succeeded();
    assert!(
        forced.stdout.contains("baseline: environment"),
        "{forced:?}"
    );
    for name in ["processor   ", "memory      ", "records     perf/record/"] {
        assert!(
            forced.stdout.lines().any(|line| line.starts_with(name)),
            "{forced:?}"
        );
    }
    info(Some("avx9"), "--megabytes 1").refused("avx9");
}
