//! docs/events.schema.json has the types, members and words that events can have, and no other.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::form::{every_event, outcomes};
use super::*;
use crate::watch::causes::Cause;
use crate::watch::event::*;
use crate::watch::schema_tests::{SCHEMA, knows, words};

type Names = BTreeSet<String>;

fn names(value: &Value) -> Names {
    value.as_object().unwrap().keys().cloned().collect()
}

/// The members of `full`, which has all there are, and those that are always there.
fn members<T: Serialize + DeserializeOwned>(full: &Value) -> (Names, Names) {
    let mut least = full.clone();
    for name in names(full) {
        let mut without = least.clone();
        without.as_object_mut().unwrap().remove(&name);
        if serde_json::from_value::<T>(without.clone()).is_ok() {
            least = without;
        }
    }
    let least = serde_json::from_value::<T>(least).unwrap();
    (names(full), names(&serde_json::to_value(least).unwrap()))
}

/// Those that the schema gives a shape.
fn named(shape: &Value) -> (Names, Names) {
    let required = shape.get("required").map(words).unwrap_or_default();
    (names(&shape["properties"]), required)
}

fn without((mut all, mut always): (Names, Names), gone: &Names) -> (Names, Names) {
    all.retain(|name| !gone.contains(name));
    always.retain(|name| !gone.contains(name));
    (all, always)
}

/// The words of an enumeration: serde tells them where it meets one that it does not know.
fn variants<T: DeserializeOwned>(unknown: Value) -> Names {
    let error = serde_json::from_value::<T>(unknown).err().unwrap().to_string();
    let expected = error.split_once("expected ").unwrap_or_else(|| panic!("{error}")).1;
    expected.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

fn stamped() -> Vec<Stamped> {
    let ts = START.parse().unwrap();
    let stamp = |(seq, event)| Stamped {
        v: VERSION,
        seq,
        ts,
        event,
        deployment: "d-1".into(),
        region: Some("eu-west-1".into()),
    };
    (0..).zip(every_event()).map(stamp).collect()
}

#[test]
fn sre_19_the_schema_has_every_member_of_every_event() {
    let defs = &SCHEMA["$defs"];
    let tag = Names::from(["type".to_owned()]);
    for event in stamped() {
        knows(&event);
        let full = serde_json::to_value(&event.event).unwrap();
        let shape = &defs[full["type"].as_str().unwrap()];
        assert_eq!(named(shape), without(members::<Event>(&full), &tag), "{full}");
        let all = serde_json::to_value(&event).unwrap();
        let own = without(members::<Stamped>(&all), &names(&full).difference(&tag).cloned().collect());
        assert_eq!(named(&SCHEMA), own);

        let serving = &full["serving"];
        if let Some(kind) = serving.get("type").and_then(Value::as_str) {
            assert_eq!(named(&defs[kind]), without(members::<Serving>(serving), &tag), "{kind}");
        }
        let routing = &full["routing"];
        if routing.get("percent").is_some() {
            assert_eq!(named(&defs["steps"]), without(members::<TrafficRouting>(routing), &tag));
        }
    }
    let all: Vec<Value> = every_event().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let at = |path: &str| all.iter().find_map(|event| event.pointer(path)).unwrap();
    type Shape = fn(&Value) -> (Names, Names);
    let shapes: [(&str, &str, Shape); 10] = [
        ("counts", "/counts", members::<Counts>),
        ("waits", "/waits", members::<Waits>),
        ("zonal", "/zonal", members::<Zonal>),
        ("error", "/error", members::<ErrorEvent>),
        ("phase", "/phases/0", members::<Phase>),
        ("taskSet", "/serving/task_sets/0", members::<TaskSet>),
        ("hosts", "/hosts", members::<Hosts>),
        ("fleets", "/fleets", members::<Fleets>),
        ("left", "/rollback_left", members::<Left>),
        ("cause", "/causes/0", members::<Cause>),
    ];
    for (name, path, members) in shapes {
        assert_eq!(named(&defs[name]), members(at(path)), "{name}");
    }
    assert_eq!(
        named(&defs["minimum"]),
        (variants::<MinimumHealthyHosts>(json!({ "?": 0 })), Names::new()),
        "one at a time"
    );
}

#[test]
fn sre_19_the_schema_has_every_word() {
    let defs = &SCHEMA["$defs"];
    let unknown = json!({ "type": "?" });
    let own = |shape: &Value| words(&shape["anyOf"][0]["enum"]);
    assert_eq!(own(&defs["type"]), variants::<Event>(unknown.clone()));
    assert_eq!(own(&defs["notice"]["properties"]["code"]), variants::<NoticeCode>(json!("?")));
    assert_eq!(own(&defs["api"]["properties"]["state"]), variants::<ApiState>(json!("?")));
    assert_eq!(own(&defs["routing"]["properties"]["type"]), variants::<TrafficRouting>(unknown.clone()));
    let mut serving = variants::<Serving>(unknown);
    assert!(serving.remove("unsaid"), "where it is unsaid nothing is told");
    assert_eq!(own(&defs["serving"]["properties"]["type"]), serving);
    let outcomes = outcomes().iter().map(|outcome| outcome.word().to_owned()).collect();
    assert_eq!(own(&defs["result"]["properties"]["outcome"]), outcomes);
    // Those of the service are what is known of them.
    macro_rules! examples {
        ($($shape:expr => $known:ty),+ $(,)?) => { $(
            let known: Vec<&str> = <$known>::KNOWN.iter().map(|word| word.as_str()).collect();
            assert_eq!($shape["examples"], json!(known));
        )+ };
    }
    examples! {
        defs["deploymentStatus"] => DeploymentStatus,
        defs["creator"] => Creator,
        defs["deployment"]["properties"]["platform"] => ComputePlatform,
        defs["target"]["properties"]["kind"] => TargetKind,
        defs["target"]["properties"]["status"] => TargetStatus,
        defs["target"]["properties"]["error"] => LifecycleErrorCode,
        defs["phase"]["properties"]["name"] => EventName,
        defs["phase"]["properties"]["status"] => EventStatus,
    }
}
