//! What stands between the markers.

use super::newest::{Group, Machine};
use super::{COST_PLOT, SCALING_PLOT};
use crate::console::failure::Failure;
use crate::console::printable::count;
use crate::record::Entry;
use crate::scaling::speed_ups;

/// The names of the blocks.
pub(super) const NAMES: [&str; 13] = [
    "machines",
    "speed",
    "independent",
    "autoregressive",
    "ctc",
    "transducer",
    "kernels",
    "sweep",
    "scaling",
    "peers-independent",
    "peers-autoregressive",
    "peers-ctc",
    "peers-transducer",
];

/// The block of a name, blank lines around it. `link` is the path of one of a
/// machine's plots.
pub(super) fn block(
    name: &str,
    machines: &[Machine],
    link: &dyn Fn(&Machine, &str) -> String,
) -> Result<String, Failure> {
    let (kind, only) = match name.split_once('@') {
        Some((kind, machine)) => (kind, Some(machine)),
        None => (name, None),
    };
    if !NAMES.contains(&kind) {
        return Err(Failure::Input(format!(
            "begin:{name}: there is no such block; there are {}",
            NAMES.join(", ")
        )));
    }
    let named = |machine: &&Machine| only.is_none_or(|only| machine.folder == only);
    let machines: Vec<_> = machines.iter().filter(named).collect();
    if machines.is_empty() {
        return Err(Failure::Input(format!(
            "begin:{name}: no such machine in the record"
        )));
    }
    let mut text = String::from("\n");
    for machine in &machines {
        let table = match kind {
            "machines" => measured_on(machine),
            "speed" => speed(machine),
            "kernels" => kernels(machine),
            "sweep" => sweep(machine, &link(machine, COST_PLOT)),
            "scaling" => scaling(machine, &link(machine, SCALING_PLOT)),
            "independent" | "autoregressive" | "ctc" | "transducer" => search(machine, kind),
            _ => peers(machine, kind.trim_start_matches("peers-")),
        };
        let Some(table) = table else {
            continue;
        };
        if machines.len() > 1 && kind != "machines" {
            text += &format!("On `{}`:\n\n", machine.folder);
        }
        text += &table;
        text.push('\n');
    }
    Ok(text)
}

/// A table in Markdown; `None` without rows. The first `words` columns are set
/// to the left.
fn table(words: usize, header: &[&str], rows: Vec<Vec<String>>) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let rule = (0..header.len()).map(|column| if column < words { "---" } else { "--:" });
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(header.to_vec()) + &format!("|{}|\n", rule.collect::<Vec<_>>().join("|"));
    for row in &rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    Some(text)
}

fn shape(entry: &Entry) -> String {
    entry.shape.replace('x', " x ")
}

fn beams(entry: &Entry) -> String {
    entry.beams.map_or(String::new(), |beams| beams.to_string())
}

fn threads(entry: &Entry) -> String {
    entry.threads.map_or(String::new(), |n| n.to_string())
}

fn ms(seconds: f64) -> String {
    let ms = 1e3 * seconds;
    match ms {
        _ if ms < 10.0 => format!("{ms:.3}"),
        _ if ms < 1000.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

/// A count of thousands or millions to three figures.
fn rate(per_second: f64) -> String {
    match per_second {
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e3 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

fn fraction(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| {
        format!("{value:.2}").trim_start_matches('0').to_owned()
    })
}

fn times(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value < 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

/// What the machine is, and which of the tables' figures are of which commit:
/// what was not measured again since is of an older one.
fn measured_on(machine: &Machine) -> Option<String> {
    let mut entries: Vec<&Entry> = machine.entries.iter().collect();
    entries.sort_by(|a, b| b.session.cmp(&a.session));
    let newest = *entries.first()?;
    let Entry {
        processors, caches, ..
    } = newest;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for entry in entries {
        let day = entry.session.split('T').next().unwrap_or_default();
        let cells = [&commit(entry), &entry.compiler, day].map(str::to_owned);
        let figures = figures(entry);
        match rows.iter_mut().find(|row| row[1..] == cells) {
            None => rows.push([vec![figures], cells.into()].concat()),
            Some(row) if row[0].split(", ").any(|known| known == figures) => {}
            Some(row) => row[0] += &format!(", {figures}"),
        }
    }
    let table = table(4, &["figures", "commit", "compiler", "day"], rows)?;
    let folder = &machine.folder;
    Some(format!(
        "`{folder}`: {}, {}, {caches}.\n\n{table}",
        newest.processor(),
        count(*processors, "processor")
    ))
}

/// Which tables an entry goes to.
fn figures(entry: &Entry) -> String {
    match entry.suite.as_str() {
        "bench" => entry.search.clone(),
        "peers" => format!("peers of {}", entry.search),
        "strong" | "weak" => "scaling".to_owned(),
        suite => suite.to_owned(),
    }
}

/// The commit, and whether it is all that was measured.
fn commit(entry: &Entry) -> String {
    match entry.commit.strip_suffix("-dirty") {
        Some(commit) => format!("{commit} and changes that were in no commit"),
        None => entry.commit.clone(),
    }
}

/// Independent search beside its roofline, the naive search and whatever peers
/// were measured on the same input.
fn speed(machine: &Machine) -> Option<String> {
    let peers = machine.groups("peers", "independent");
    let mut programs: Vec<&str> = Vec::new();
    for row in peers.iter().flat_map(|group| &group.rows) {
        let known = ["widebeam", "roofline", "reference"].contains(&row.program.as_str());
        if !known && !programs.contains(&row.program.as_str()) {
            programs.push(&row.program);
        }
    }
    let rows = machine.groups("bench", "independent").into_iter();
    let rows = rows.filter_map(|group| {
        let ours = group.row("widebeam")?;
        let slower = |group: &Group<'_>, program| times(group.ratio(program, "widebeam"));
        let mut cells = vec![
            shape(ours),
            beams(ours),
            threads(ours),
            ours.seconds.map_or(String::new(), ms),
            fraction(group.ratio("roofline", "widebeam")),
            slower(&group, "reference"),
        ];
        let beside = peers.iter().find(|peer| peer.same_input(&group));
        for &program in &programs {
            cells.push(beside.map_or(String::new(), |peer| slower(peer, program)));
        }
        Some(cells)
    });
    let rows = rows.collect();
    let mut header = vec![
        "items x steps x tokens",
        "beams",
        "threads",
        "ms",
        "of the read roofline",
        "naive search: times slower",
    ];
    header.extend(programs);
    table(1, &header, rows)
}

fn search(machine: &Machine, search: &str) -> Option<String> {
    let groups = machine.groups("bench", search);
    let rows = groups.iter().filter_map(|group| {
        let ours = group.row("widebeam")?;
        let sizes: Vec<f64> = ours
            .shape
            .split('x')
            .filter_map(|n| n.parse().ok())
            .collect();
        let seconds = ours.seconds?;
        Some(vec![
            shape(ours),
            beams(ours),
            ours.scores.clone(),
            ours.dtype.clone(),
            ours.version.clone(),
            threads(ours),
            ms(seconds),
            format!("{:.1} %", 100.0 * ours.spread?),
            rate(sizes.first()? / seconds),
            rate(sizes.first()? * sizes.get(1)? / seconds),
            format!("{:.1}", ours.bytes? as f64 / seconds / 1e9),
            fraction(group.ratio("roofline", "widebeam")),
            times(group.ratio("reference", "widebeam")),
        ])
    });
    let header = [
        "items x steps x tokens",
        "beams",
        "scores",
        "type",
        "level",
        "threads",
        "ms",
        "spread",
        "items/s",
        "tokens/s",
        "GB/s",
        "of the roofline",
        "naive search: times slower",
    ];
    table(1, &header, rows.collect())
}

fn kernels(machine: &Machine) -> Option<String> {
    let mut searches: Vec<&str> = Vec::new();
    for entry in machine
        .entries
        .iter()
        .filter(|entry| entry.suite == "kernels")
    {
        if !searches.contains(&entry.search.as_str()) {
            searches.push(&entry.search);
        }
    }
    let groups = searches
        .iter()
        .flat_map(|search| machine.groups("kernels", search));
    let mut rows = Vec::new();
    for group in groups {
        for ours in group.rows.iter().filter(|row| row.program == "widebeam") {
            let Some((seconds, bytes)) = ours.seconds.zip(ours.bytes) else {
                continue;
            };
            let mut sizes = ours.shape.split('x').skip(1);
            let count = sizes.next().and_then(|n| n.parse::<f64>().ok());
            let roofline = group.seconds("roofline");
            rows.push(vec![
                format!("{}, {}", ours.search, ours.input),
                ours.scores.clone(),
                ours.dtype.clone(),
                sizes.next().unwrap_or_default().to_owned(),
                beams(ours),
                ours.version.clone(),
                threads(ours),
                count.map_or(String::new(), |n| times(Some(1e9 * seconds / n))),
                format!("{:.1}", bytes as f64 / seconds / 1e9),
                fraction(roofline.map(|roofline| roofline / seconds)),
            ]);
        }
    }
    let header = [
        "kernel, input",
        "scores",
        "type",
        "tokens",
        "k",
        "level",
        "threads",
        "ns/row",
        "GB/s",
        "of the roofline",
    ];
    table(3, &header, rows)
}

/// The cost of a row over k: some of the figures of the plot.
fn sweep(machine: &Machine, link: &str) -> Option<String> {
    let microseconds = |entry: &Entry| {
        let rows = entry.shape.split('x').nth(1)?.parse::<f64>().ok()?;
        Some(1e6 * entry.seconds? / rows)
    };
    let groups = machine.groups("sweep", "top k");
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut shapes: Vec<&str> = groups
        .iter()
        .map(|group| &group.first().shape[..])
        .collect();
    shapes.dedup();
    for shape in shapes {
        let of_length = || groups.iter().filter(|group| group.first().shape == shape);
        let mut cells = vec![shape.rsplit('x').next().unwrap_or_default().to_owned()];
        let all = of_length().filter_map(|group| group.first().beams).max();
        for wanted in [8, 64, 512, 4096].map(Some).into_iter().chain([all]) {
            let near = |group: &&Group<'_>| {
                group
                    .first()
                    .beams
                    .zip(wanted)
                    .map_or(f64::MAX, |(k, wanted)| {
                        (k as f64 / wanted as f64).ln().abs()
                    })
            };
            let nearest = of_length().min_by(|a, b| near(a).total_cmp(&near(b)));
            let nearest = nearest.filter(|group| near(group) < 0.2);
            for program in ["widebeam", "heap"] {
                let cost = nearest.and_then(|group| microseconds(group.row(program)?));
                cells.push(cost.map_or(String::new(), |cost| format!("{cost:.2}")));
            }
        }
        let sort = of_length().find_map(|group| microseconds(group.row("sort")?));
        cells.push(sort.map_or(String::new(), |cost| format!("{cost:.2}")));
        rows.push(cells);
    }
    let header = [
        "tokens",
        "k = 8",
        "heap",
        "about 64",
        "heap",
        "about 512",
        "heap",
        "about 4096",
        "heap",
        "all",
        "heap",
        "sort",
    ];
    let table = table(0, &header, rows)?;
    Some(format!(
        "![Cost of the best k of a row]({link})\n\nMicroseconds a row:\n\n{table}"
    ))
}

fn scaling(machine: &Machine, link: &str) -> Option<String> {
    let mut rows = Vec::new();
    for suite in ["strong", "weak"] {
        for search in ["independent", "autoregressive", "ctc", "transducer"] {
            let groups = machine.groups(suite, search);
            let curve = |program: &str| {
                let points = groups.iter().filter_map(|group| {
                    let first = group.first();
                    Some((first.threads?, first.bytes?, group.seconds(program)?))
                });
                speed_ups(&points.collect::<Vec<_>>())
            };
            for (group, (ours, memory)) in groups
                .iter()
                .zip(curve("widebeam").iter().zip(curve("roofline")))
            {
                let threads = ours.0;
                rows.push(vec![
                    search.to_owned(),
                    suite.to_owned(),
                    shape(group.first()),
                    threads.to_string(),
                    group.seconds("widebeam").map_or(String::new(), ms),
                    format!("{:.2}", ours.1),
                    fraction(Some(ours.1 / threads as f64)),
                    format!("{:.2}", memory.1),
                    fraction(Some(memory.1 / threads as f64)),
                    fraction(Some(ours.1 / memory.1)),
                ]);
            }
        }
    }
    let header = [
        "search",
        "scaling",
        "items x steps x tokens",
        "threads",
        "ms",
        "speed-up",
        "efficiency",
        "memory's speed-up",
        "efficiency",
        "ours / memory's",
    ];
    let table = table(3, &header, rows)?;
    Some(format!("![Speed-up against threads]({link})\n\n{table}"))
}

fn peers(machine: &Machine, search: &str) -> Option<String> {
    let mut rows = Vec::new();
    for group in machine.groups("peers", search) {
        let mut sorted = group.rows.clone();
        let time = |row: &Entry| row.seconds.unwrap_or(f64::INFINITY);
        sorted.sort_by(|a, b| time(a).total_cmp(&time(b)));
        for row in sorted {
            rows.push(vec![
                format!("{}, {}", row.input, shape(row)),
                beams(row),
                row.scores.clone(),
                row.dtype.clone(),
                row.program.clone(),
                row.version.clone(),
                threads(row),
                row.seconds.map_or(String::new(), ms),
                times(
                    row.seconds
                        .zip(group.seconds("widebeam"))
                        .map(|(a, b)| a / b),
                ),
                row.note.replace('|', "/"),
            ]);
        }
    }
    let header = [
        "input",
        "beams",
        "scores",
        "type",
        "program",
        "version",
        "threads",
        "ms",
        "of our time",
        "note",
    ];
    table(1, &header, rows)
}
