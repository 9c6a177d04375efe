//! Prints the public items of a crate, one a line, from the JSON of rustdoc.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(json) = std::env::args_os().nth(1) else {
        eprintln!("the path of rustdoc's JSON is missing");
        return ExitCode::from(2);
    };
    let listed = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .build();
    match listed {
        Ok(api) => {
            print!("{api}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
