//! `widebeam bench`, on tensors too small to mean anything: what it prints, and
//! that its checks of the answers pass.

use serde_json::Value;

use crate::support::*;

fn bench(arguments: &str) -> Run {
    let mut command = tool();
    command.arg("bench").args(arguments.split_whitespace());
    command.output().unwrap().into()
}

fn document(arguments: &str) -> Value {
    let run = bench(&format!("{arguments} --json")).succeeded();
    assert_eq!(run.stderr, "");
    serde_json::from_str(&run.stdout).unwrap()
}

fn rows(document: &Value) -> &[Value] {
    document["rows"].as_array().unwrap()
}

fn levels() -> Vec<&'static str> {
    widebeam::Level::available()
        .map(|level| level.name())
        .collect()
}

#[test]
fn kernels_are_measured_at_every_level_beside_their_roofline() {
    let document = document("kernels --megabytes 1 --runs 3 --threads 2 --filter probs-f32-1000-8");
    assert_eq!(document["bench"], "kernels");
    assert_eq!(document["threads"], 2);
    let rows = rows(&document);
    let mut of: Vec<_> = rows
        .iter()
        .map(|row| row["level"].as_str().unwrap())
        .collect();
    assert_eq!(of[0], "roofline");
    of[1..].reverse();
    assert_eq!(of[1..], levels());
    let roofline = rows[0]["seconds"].as_f64().unwrap();
    for row in rows {
        assert_eq!(row["name"], "probs-f32-1000-8");
        assert_eq!(row["rows"], (1 << 20) / 4000);
        let seconds = row["seconds"].as_f64().unwrap();
        assert!(seconds > 0.0);
        assert_eq!(
            row["roofline_fraction"].as_f64().unwrap(),
            roofline / seconds
        );
        let mut runs: Vec<_> = row["runs"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::as_f64)
            .collect();
        runs.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(runs.len(), 3);
        assert_eq!(runs[1], Some(seconds));
    }
}

#[test]
fn every_row_of_the_grid_passes_its_checks() {
    let document = document("kernels --megabytes 1 --runs 1");
    let rows = rows(&document);
    // Each case has a roofline and a row for each level; the heap has no levels.
    let heap = rows.iter().filter(|row| row["kernel"] == "heap").count();
    assert!(
        heap > 0 && heap.is_multiple_of(2),
        "{heap} rows of the heap"
    );
    assert_eq!((rows.len() - heap) % (1 + levels().len()), 0);
    let best = *levels().last().unwrap();
    for row in rows {
        let narrow = matches!(row["dtype"].as_str(), Some("f16" | "bf16"));
        let narrow = narrow && row["level"] != "roofline";
        assert_eq!(row["f32_time_fraction"].is_number(), narrow, "{row}");
        assert!(row["aim"].is_null() || row["level"] == best, "{row}");
        assert_eq!(row["aim"].is_null(), row["aim_met"].is_null(), "{row}");
    }
}

#[test]
fn a_filter_that_matches_nothing_is_refused() {
    bench("kernels --filter probs-f64").refused("--filter \"probs-f64\" is in no row's name");
}

#[test]
fn independent_search_is_compared_with_all_of_the_reference() {
    for (scores, dtype) in [("probs", "f32"), ("log-probs", "bf16"), ("logits", "f16")] {
        let document = document(&format!(
            "independent --shape 2x5x40 --beams 3 --scores {scores} --dtype {dtype} --runs 2"
        ));
        assert_eq!(document["bench"], "independent");
        let [row] = rows(&document) else {
            panic!("{document}")
        };
        assert_eq!(row["search"], "independent");
        assert_eq!(row["shape"], serde_json::json!([2, 5, 40]));
        let seconds = row["engine"]["seconds"].as_f64().unwrap();
        assert_eq!(row["items_per_second"].as_f64(), Some(2.0 / seconds));
        assert_eq!(row["tokens_per_second"].as_f64(), Some(10.0 / seconds));
        assert_eq!(row["scores"], scores);
        assert_eq!(row["dtype"], dtype);
        assert_eq!(row["level"], *levels().last().unwrap());
        assert_eq!(row["engine"]["runs"].as_array().unwrap().len(), 2);
        let reference = &row["reference"];
        assert_eq!(reference["candidates"], 2 * (40 + 4 * 3 * 40));
        assert_eq!(reference["candidates"], reference["all_candidates"]);
        assert_eq!(
            (&reference["items"], &reference["steps"]),
            (&2.into(), &5.into())
        );
    }
}

/// Those that have a form of their own for it; its answers are checked.
#[test]
fn greedy_decoding_is_measured_beside_the_search() {
    // So few tokens that some are repeated.
    let document = document("--shape 2x50x5 --beams 3 --runs 2 --no-reference");
    for row in rows(&document) {
        let greedy = matches!(row["search"].as_str(), Some("ctc" | "independent"));
        assert_eq!(row["greedy"]["seconds"].is_number(), greedy, "{row}");
    }
}

#[test]
fn a_long_reference_gets_a_part_and_says_so() {
    let document = document("independent --shape 2x2x100000 --beams 100 --runs 1");
    let reference = &rows(&document)[0]["reference"];
    assert_eq!(
        (&reference["items"], &reference["steps"]),
        (&1.into(), &1.into())
    );
    let part = reference["candidates"].as_u64().unwrap();
    let all = reference["all_candidates"].as_u64().unwrap();
    assert_eq!((part, all), (100_000, 20_200_000));
    let measured = reference["runs"][0].as_f64().unwrap();
    let scaled = reference["seconds"].as_f64().unwrap();
    assert!((scaled / measured - all as f64 / part as f64).abs() < 1e-9);
}

#[test]
fn a_short_item_is_checked_whole() {
    let whole = serde_json::json!({ "items": 2, "all_items": 2, "steps": 0, "all_steps": 5 });
    let document = document("--shape 2x5x40 --beams 3 --runs 1");
    for row in rows(&document) {
        assert_eq!(row["checked"], whole, "{row}");
    }
    let table = bench("--shape 2x5x40 --beams 3 --runs 1").succeeded();
    assert!(!table.stdout.contains("checked"), "{table:?}");
}

/// The check of a CTC answer takes the square of an item's frames: a whole check of this
/// one would take minutes.
#[test]
fn a_long_item_is_checked_in_part_and_the_table_says_so() {
    let folder = Folder::new();
    let file = folder.path("out.csv");
    let case = "ctc 1x60000x4 2 log-probs f32";
    let table = bench(&format!(
        "ctc --shape 1x60000x4 --beams 2 --runs 1 --no-reference --csv {}",
        file.display()
    ));
    let table = table.succeeded();
    let said =
        "checked 0 of 1 items and 4095 of 60000 steps of item 0: the rest is over the budget";
    let last = table.stdout.lines().last();
    assert_eq!(last, Some(format!("{case}: {said}").as_str()), "{table:?}");
    let csv = std::fs::read_to_string(&file).unwrap();
    assert_eq!(csv.matches(said).count(), 1, "{csv}");
}

#[test]
fn kernels_say_how_many_rows_were_checked() {
    let arguments = "kernels --megabytes 1 --runs 1 --filter probs-f32-1000-8";
    for row in rows(&document(arguments)) {
        let checked = match row["level"].as_str() {
            Some("roofline") => &row["rows"],
            _ => &64.into(),
        };
        assert_eq!(&row["checked_rows"], checked, "{row}");
    }
    let table = bench(arguments).succeeded();
    let last = table.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("checked: the top k of 64 rows"),
        "{table:?}"
    );
}

#[test]
fn the_reference_can_be_left_out_and_the_level_forced() {
    let document = document(
        "independent --shape 2x5x40 --beams 3 --no-reference --level baseline --threads 1",
    );
    assert!(rows(&document)[0]["reference"].is_null());
    assert_eq!(rows(&document)[0]["level"], "baseline");
    assert_eq!(document["threads"], 1);
}

#[test]
fn all_searches_are_measured_on_a_shape_and_agree_with_their_references() {
    for arguments in ["", "--search ctc", "autoregressive"] {
        let document = document(&format!(
            "{arguments} --shape 2x5x40 --beams 3 --runs 1 --threads 2"
        ));
        let rows = rows(&document);
        let searches: Vec<_> = rows
            .iter()
            .map(|row| row["search"].as_str().unwrap())
            .collect();
        match arguments {
            "" => {
                assert_eq!(document["bench"], "searches");
                assert_eq!(
                    searches,
                    ["independent", "autoregressive", "ctc", "transducer"]
                );
            }
            _ => {
                assert_eq!(searches.len(), 1);
                assert!(arguments.ends_with(searches[0]));
                assert_eq!(document["bench"], searches[0]);
            }
        }
        for row in rows {
            assert!(
                row["reference"]["candidates"].as_u64().unwrap() > 0,
                "{row}"
            );
        }
    }
}

#[test]
fn a_csv_file_and_a_record_hold_the_columns_that_are_documented() {
    let documentation = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../perf/record/README.md"
    ))
    .unwrap();
    let folder = Folder::new();
    let (file, record) = (folder.path("out.csv"), folder.path("record"));
    let arguments = format!(
        "ctc --shape 2x5x40 --beams 3 --runs 1 --csv {} --record {}",
        file.display(),
        record.display()
    );
    let twice = [bench(&arguments).succeeded(), bench(&arguments).succeeded()];
    assert!(twice.iter().all(|run| run.stderr.is_empty()));

    let mut csv = csv::Reader::from_path(&file).unwrap();
    let header = csv.headers().unwrap().clone();
    let columns: Vec<_> = header.iter().collect();
    assert!(documentation.contains(&columns.join(",")), "{columns:?}");
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    let column = |name: &str| columns.iter().position(|&column| column == name).unwrap();
    let programs: Vec<_> = rows.iter().map(|row| &row[column("program")]).collect();
    assert_eq!(programs, ["roofline", "widebeam", "reference"]);
    for row in &rows {
        assert_eq!(&row[column("search")], "ctc");
        assert_eq!(&row[column("shape")], "2x5x40");
        assert_eq!(&row[column("best_level")], *levels().last().unwrap());
        assert_eq!(
            row[column("family")].is_empty(),
            !cfg!(target_arch = "x86_64")
        );
        assert!(row[column("compiler")].starts_with("rustc "), "{row:?}");
        assert!(row[column("seconds")].parse::<f64>().unwrap() > 0.0);
    }

    // The record is appended to, and has one header.
    let machine = record.read_dir().unwrap().next().unwrap().unwrap().path();
    let days: Vec<_> = machine
        .read_dir()
        .unwrap()
        .map(|day| day.unwrap().path())
        .collect();
    let read = |day| csv::Reader::from_path(day).unwrap().into_records().count();
    let recorded: usize = days.iter().map(read).sum();
    assert_eq!(recorded, 2 * rows.len());

    // Rows of these columns are not appended to a file of others, and nothing is measured.
    let day = days.last().unwrap();
    let old = "session,commit,compiler,cpu,processors\n1,2,3,4,5\n";
    std::fs::write(day, old).unwrap();
    bench(&arguments).refused("its columns are those of another version of widebeam");
    assert_eq!(std::fs::read_to_string(day).unwrap(), old);
    std::fs::write(day, "").unwrap();
    bench(&arguments).succeeded();
}

#[test]
fn a_profile_is_a_table_and_a_trace() {
    let folder = Folder::new();
    let file = folder.path("trace.json");
    let arguments = format!(
        "--shape 4x9x500 --beams 3 --runs 1 --threads 2 --profile {}",
        file.display()
    );
    let run = bench(&arguments).succeeded();
    assert!(run.stdout.contains("backtrack ms"), "{run:?}");
    let trace: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let events = trace.as_array().unwrap();
    for run in 0..4 {
        let names: std::collections::BTreeSet<_> = events
            .iter()
            .filter(|event| event["pid"] == run && event["ph"] == "X")
            .map(|event| event["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names.into_iter().collect::<Vec<_>>(),
            ["backtrack", "merge", "scan", "wait"]
        );
    }
    for event in events.iter().filter(|event| event["ph"] == "X") {
        assert!(event["ts"].as_f64().unwrap() >= 0.0, "{event}");
        assert!(event["dur"].as_f64().unwrap() >= 0.0, "{event}");
        assert!(event["tid"].as_u64().unwrap() < 2, "{event}");
    }
    let document = document(&arguments);
    assert_eq!(document["profile"].as_array().unwrap().len(), 4 * 2);
}

#[test]
fn tables_are_aligned() {
    let table = bench("independent --shape 2x5x40 --beams 3 --runs 1").succeeded();
    let mut lines = table.stdout.lines().skip(2);
    let (header, row) = (lines.next().unwrap(), lines.next().unwrap());
    assert!(
        header.starts_with("search       shape   beams  scores  dtype  level"),
        "{table:?}"
    );
    assert!(
        row.starts_with("independent  2x5x40  3      probs   f32    "),
        "{table:?}"
    );
    assert!(row.ends_with("all"), "{table:?}");
}

#[test]
fn a_shape_of_ones_own_has_a_beam_width_by_default() {
    let document = document("ctc --shape 2x5x40 --runs 1 --no-reference");
    assert_eq!(rows(&document)[0]["beams"], 16);
}

#[test]
fn impossible_arguments_are_refused() {
    for arguments in [
        "kernels --megabytes 0",
        "kernels --runs 0",
        "independent --beams 3",
        "independent --shape 2x0x40 --beams 3",
        "independent --shape 2x5 --beams 3",
        "ctc --search ctc",
        "beam",
        "--megabytes 3",
    ] {
        let run = bench(arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
    }
    bench("independent --shape 2x5x40 --beams 0").refused("beam");
    bench("ctc --shape 2x5x40 --beams 3 --csv gone/a.csv")
        .refused("the folder gone does not exist");
    let huge = bench("independent --shape 9999999x9999999x9999999 --beams 1");
    assert_eq!(huge.code, Some(1), "{huge:?}");
    huge.one_error("no memory for a tensor of shape 9999999x9999999x9999999");
}
