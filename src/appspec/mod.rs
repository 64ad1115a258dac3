//! appspec
