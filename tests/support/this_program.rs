//! The program of these tests, to be run again.

use std::process::Command;

/// With an emulator where `tests/machines/run.sh` names one.
pub(crate) fn this_program() -> Command {
    let program = std::env::current_exe().unwrap();
    match std::env::var_os("WIDEBEAM_TEST_EMULATOR") {
        Some(emulator) => {
            let mut child = Command::new(emulator);
            child.arg(program);
            child
        }
        None => Command::new(program),
    }
}
