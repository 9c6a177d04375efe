//! Tells the record of measurements which compiler built the tool, and from which
//! commit.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let compiler = output(&rustc, &["--version"]);
    let compiler = compiler.as_deref().unwrap_or("unknown");
    println!("cargo::rustc-env=WIDEBEAM_COMPILER={compiler}");
    let commit = commit().unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=WIDEBEAM_COMMIT={commit}");
}

/// The commit, if this is the folder `perf` of the repository and no copy of it within
/// another. Only where speed matters: all is built again when the commit is another one.
fn commit() -> Option<String> {
    /// What the tool is built from, seen from the root of the repository.
    const SOURCES: [&str; 8] = [
        "Cargo.lock",
        "Cargo.toml",
        "cli/Cargo.toml",
        "cli/assets",
        "cli/src",
        "perf/Cargo.toml",
        "perf/src",
        "src",
    ];
    if std::env::var("PROFILE").is_ok_and(|profile| profile != "release") {
        return None;
    }
    if output("git", &["rev-parse", "--show-prefix"])? != "perf/" {
        return None;
    }
    for path in SOURCES {
        println!("cargo::rerun-if-changed=../{path}");
    }
    // Each commit, and each change to another, adds a line to it.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let mut status = vec!["-C", "..", "status", "--porcelain", "--"];
    status.extend(SOURCES);
    Some(match output("git", &status)?.is_empty() {
        true => commit,
        false => format!("{commit}-dirty"),
    })
}

/// What a program that succeeds prints.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
