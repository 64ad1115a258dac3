//! The store without the protocol.

use std::collections::HashMap;

use super::*;

fn store() -> (tempfile::TempDir, Objects) {
    let directory = tempfile::tempdir().unwrap();
    let objects = Objects::new(&directory.path().join("objects"), fastrand::Rng::with_seed(1)).unwrap();
    objects.create_bucket("b", None, 0).unwrap();
    (directory, objects)
}

fn put(objects: &Objects, key: &str, text: &str) -> Stored {
    let mut body = objects.receive("b").unwrap();
    body.write(text.as_bytes()).unwrap();
    objects.put("b", key, body.finish().unwrap(), Attributes::default(), &When::Always, 0).unwrap()
}

fn files(objects: &Objects) -> usize {
    std::fs::read_dir(&objects.directory).unwrap().count()
}

#[test]
fn without_versioning_the_newest_replaces() {
    let (_directory, objects) = store();
    put(&objects, "k", "one");
    let two = put(&objects, "k", "two");
    assert_eq!(two.version, None);
    assert_eq!(two.etag, "b8a9f715dbb64fd5c56e7783c6820a61");
    assert_eq!(files(&objects), 1);
    assert_eq!(std::fs::read(objects.object("b", "k", None).unwrap().path).unwrap(), b"two");
    assert_eq!(objects.delete("b", "k", None).unwrap(), (None, false));
    assert_eq!(files(&objects), 0);
    assert_eq!(objects.object("b", "k", None).unwrap_err(), "NoSuchKey: The specified key does not exist.");
    assert_eq!(
        objects.object("c", "k", None).unwrap_err(),
        "NoSuchBucket: The specified bucket does not exist"
    );
}

#[test]
fn versions_stay_reachable_under_a_delete_marker() {
    let (_directory, objects) = store();
    let old = put(&objects, "k", "before");
    objects.set_versioning("b", Versioning::Enabled).unwrap();
    let new = put(&objects, "k", "after");
    let id = new.version.clone().unwrap();
    assert_eq!(objects.get("b", "k", Some("null")).unwrap().etag, old.etag);
    let (marker, is_marker) = objects.delete("b", "k", None).unwrap();
    assert!(is_marker);
    assert_eq!(objects.get("b", "k", None).unwrap_err(), Fault::NoSuchKey);
    assert_eq!(objects.get("b", "k", Some(&id)).unwrap().etag, new.etag);
    assert_eq!(objects.get("b", "k", Some("other")).unwrap_err(), Fault::NoSuchVersion);
    assert!(objects.list("b", "", None, None, 10).unwrap().objects.is_empty());
    objects.delete("b", "k", marker.as_deref()).unwrap();
    assert_eq!(objects.get("b", "k", None).unwrap().etag, new.etag);
}

#[test]
fn a_key_never_becomes_a_path() {
    let (directory, objects) = store();
    for key in ["../../escaped", "/etc/escaped", "a/../../../escaped", ".."] {
        let stored = put(&objects, key, "x");
        assert_eq!(stored.path.parent().unwrap(), directory.path().join("objects"), "{key}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let (_directory, objects) = store();
    let mut body = objects.receive("b").unwrap();
    body.write(b"half").unwrap();
    drop(body);
    let id = objects.create_upload("b", "k", Attributes::default(), None, 0).unwrap();
    let part = objects.receive_part("b", "k", &id).unwrap().finish().unwrap();
    objects.put_part("b", "k", &id, 1, (part, None)).unwrap();
    assert_eq!(files(&objects), 1);
    objects.abort_upload("b", "k", &id).unwrap();
    assert_eq!(files(&objects), 0);
}

#[test]
fn parts_make_an_object_in_their_order() {
    let (_directory, objects) = store();
    let id = objects.create_upload("b", "k", Attributes::default(), None, 0).unwrap();
    let send = |number, byte, size| {
        let mut part = objects.receive_part("b", "k", &id).unwrap();
        part.write(&vec![byte; size]).unwrap();
        (number, objects.put_part("b", "k", &id, number, (part.finish().unwrap(), None)).unwrap())
    };
    let (two, one) = (send(2, b'b', 3), send(1, b'a', 5 << 20));
    let complete = |parts: &[(i32, String)]| {
        objects.complete_upload("b", "k", &id, (parts, HashMap::new()), &When::Always, 0)
    };
    let fault = |parts: &[(i32, String)]| match complete(parts) {
        Err(Error::Fault(fault)) => fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(&[]), Fault::InvalidPart);
    assert_eq!(fault(&[two.clone(), one.clone()]), Fault::InvalidPartOrder);
    assert_eq!(fault(&[one.clone(), (2, "0".to_owned())]), Fault::InvalidPart);
    let small = send(3, b'c', 1);
    assert_eq!(fault(&[two.clone(), small]), Fault::EntityTooSmall);
    let stored = complete(&[one, two]).unwrap();
    assert_eq!(stored.size, (5 << 20) + 3);
    assert!(stored.etag.ends_with("-2"), "{}", stored.etag);
    let content = std::fs::read(&stored.path).unwrap();
    assert!(content.starts_with(b"aaa") && content.ends_with(b"abbb"));
    assert_eq!(files(&objects), 1);
    assert_eq!(fault(&[]), Fault::NoSuchUpload);
}

#[test]
fn keys_are_listed_in_pages_and_by_folder() {
    let (_directory, objects) = store();
    for key in ["a", "d/1", "d/2", "d/e/3", "f/4", "z"] {
        put(&objects, key, key);
    }
    let page = |prefix, delimiter, after: Option<&str>, limit| {
        let listing = objects.list("b", prefix, delimiter, after, limit).unwrap();
        let keys: Vec<String> = listing.objects.into_iter().map(|stored| stored.key).collect();
        (keys.join(" "), listing.prefixes.join(" "), listing.next)
    };
    let text = |text: &str| text.to_owned();
    assert_eq!(page("", None, None, 10).0, "a d/1 d/2 d/e/3 f/4 z");
    assert_eq!(page("", Some("/"), None, 10), (text("a z"), text("d/ f/"), None));
    assert_eq!(page("d/", Some("/"), None, 10), (text("d/1 d/2"), text("d/e/"), None));
    assert_eq!(page("", Some("/"), None, 2), (text("a"), text("d/"), Some(text("d/"))));
    assert_eq!(page("", Some("/"), Some("d/"), 2), (text("z"), text("f/"), None));
    assert_eq!(page("", None, Some("d/2"), 2), (text("d/e/3 f/4"), text(""), Some(text("f/4"))));
}
