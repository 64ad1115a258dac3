//! What cdctl prints for other tools, held against those tools' own words: JSON Schemas of the AppSpec.

use super::python;
use crate::support::cdctl::CDCTL;

#[test]
fn the_schema_of_an_appspec_takes_what_is_right_and_nothing_else() {
    let Some(python) = python::ready("the JSON Schema of an AppSpec") else { return };
    let appspecs = python::fixture("appspecs.yaml");
    python::run(python.script("http://127.0.0.1:9", "schema.py").arg(CDCTL).arg(appspecs));
}
