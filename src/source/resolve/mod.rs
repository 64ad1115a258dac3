//! What plain scalars, tags, aliases and repeated keys mean to one reader of YAML. A file a reader.

pub mod core;
pub mod psych;
