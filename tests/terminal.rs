//! On a real terminal.
