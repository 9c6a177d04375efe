//! Why the tool stops early, and the exit code that says so.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use super::printable;

/// The exit code where the input is at fault.
pub const INPUT: u8 = 2;

/// Errors that the machine is to blame for, and that std has no stable name for: a
/// disk that cannot be read (EIO), too many open files of all and of this process
/// (ENFILE, EMFILE). They have these numbers on every Unix.
const OF_THE_MACHINE: [i32; 3] = [5, 23, 24];

/// Why the tool stops early.
#[derive(Debug)]
pub enum Failure {
    /// The user's input is at fault: running again fails again.
    Input(String),
    /// The machine is: no memory, no space, no permission to write.
    Machine(String),
    /// Whoever read standard output has gone; nobody is left to tell.
    ClosedPipe,
}

impl Failure {
    /// The input is at fault, as the message says.
    pub fn input(message: impl fmt::Display) -> Self {
        Failure::Input(message.to_string())
    }

    /// A file could not be opened or read.
    pub fn reading(error: &io::Error) -> Self {
        let out_of_memory = error.kind() == io::ErrorKind::OutOfMemory;
        let of_the_machine = |code| cfg!(unix) && OF_THE_MACHINE.contains(&code);
        match out_of_memory || error.raw_os_error().is_some_and(of_the_machine) {
            true => Failure::Machine(plain(error)),
            false => Failure::Input(plain(error)),
        }
    }

    /// Output could not be written to `target`.
    pub fn writing(target: impl fmt::Display, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe,
            _ => Failure::Machine(format!("{target}: {}", plain(error))),
        }
    }

    /// The same failure, its message led by what it is about.
    pub fn about(self, subject: impl fmt::Display) -> Self {
        match self {
            Failure::Input(message) => Failure::Input(format!("{subject}: {message}")),
            Failure::Machine(message) => Failure::Machine(format!("{subject}: {message}")),
            Failure::ClosedPipe => Failure::ClosedPipe,
        }
    }

    /// The same failure, and what to do about it.
    pub fn with(self, advice: impl fmt::Display) -> Self {
        match self {
            Failure::Input(message) => Failure::Input(format!("{message}; {advice}")),
            Failure::Machine(message) => Failure::Machine(format!("{message}; {advice}")),
            Failure::ClosedPipe => Failure::ClosedPipe,
        }
    }

    /// Says it in one line on standard error and returns the exit code.
    pub fn report(&self) -> ExitCode {
        let (message, code) = match self {
            Failure::Input(message) => (message, INPUT),
            Failure::Machine(message) => (message, 1),
            Failure::ClosedPipe => return ExitCode::SUCCESS,
        };
        // Where standard error is closed as well, the code alone must do.
        let _ = writeln!(io::stderr(), "widebeam: {}", printable::message(message));
        ExitCode::from(code)
    }
}

impl From<widebeam::Error> for Failure {
    fn from(error: widebeam::Error) -> Self {
        if error.is_out_of_memory() {
            Failure::Machine(error.to_string())
        } else {
            Failure::Input(error.to_string())
        }
    }
}

/// What an error of the system says, without the number that std adds.
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

/// Tells the user of something that is no error, on standard error.
pub fn note(message: impl fmt::Display) {
    // A note is no reason to fail, not even where it cannot be read.
    let _ = writeln!(
        io::stderr(),
        "widebeam: note: {}",
        printable::message(&message.to_string())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_blamed_for_what_is_not_in_the_input() {
        let of_the_machine = |error: io::Error| match Failure::reading(&error) {
            Failure::Machine(message) => {
                assert!(error.to_string().starts_with(&message));
                assert!(!message.contains("os error"), "{message}");
                true
            }
            Failure::Input(message) => {
                assert!(error.to_string().starts_with(&message));
                assert!(!message.contains("os error"), "{message}");
                false
            }
            Failure::ClosedPipe => panic!("{error}"),
        };
        for code in [5, 23, 24] {
            let error = io::Error::from_raw_os_error(code);
            assert_eq!(of_the_machine(error), cfg!(unix), "{code}");
        }
        assert!(of_the_machine(io::ErrorKind::OutOfMemory.into()));
        // No such file, no permission, a folder.
        for code in [2, 13, 21] {
            assert!(
                !of_the_machine(io::Error::from_raw_os_error(code)),
                "{code}"
            );
        }
        assert!(!of_the_machine(io::Error::other("odd")));
    }

    #[test]
    fn a_failure_says_what_it_is_about_and_keeps_its_kind() {
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(Failure::writing("a", &gone), Failure::ClosedPipe));
        assert!(matches!(
            Failure::ClosedPipe.about("a"),
            Failure::ClosedPipe
        ));
        let full = Failure::writing("a", &io::Error::other("full")).about("b");
        assert!(matches!(full, Failure::Machine(message) if message == "b: a: full"));
        let input = Failure::input(7).about("b");
        assert!(matches!(input, Failure::Input(message) if message == "b: 7"));
    }
}
