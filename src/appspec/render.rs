//! Findings as text for people, with the lines of the file that they are about.
