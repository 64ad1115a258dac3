//! The binary: run the command line, end with its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    cdctl::main()
}
