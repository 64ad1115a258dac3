//! The root of a host: what is within it, and what leads out.

use std::io::Read as _;
use std::os::unix::fs::symlink;

use super::*;

fn root() -> (tempfile::TempDir, Root) {
    let directory = tempfile::tempdir().unwrap();
    let root = Root::new(&directory.path().join("host")).unwrap();
    (directory, root)
}

#[test]
fn paths_never_leave_the_root() {
    let (_guard, root) = root();
    assert_eq!(root.follow(Path::new("/../../etc/passwd")).unwrap().path(), root.path().join("etc/passwd"));
    symlink("/etc", root.path().join("absolute")).unwrap();
    symlink("../../..", root.path().join("up")).unwrap();
    assert_eq!(root.follow(Path::new("/absolute/passwd")).unwrap().path(), root.path().join("etc/passwd"));
    assert_eq!(root.follow(Path::new("/up/x")).unwrap().path(), root.path().join("x"));
}

#[test]
fn a_link_with_the_roots_own_path_means_what_it_says() {
    let (_guard, root) = root();
    symlink(root.path().join("srv/1"), root.path().join("current")).unwrap();
    assert_eq!(root.follow(Path::new("/current/a")).unwrap().path(), root.path().join("srv/1/a"));
    assert_eq!(root.place(Path::new("/current")).unwrap().path(), root.path().join("current"));
}

#[test]
fn what_was_looked_up_stays_in_the_root_whoever_swaps_a_directory_for_a_link() {
    let (guard, root) = root();
    let outside = guard.path().join("outside");
    let (app, aside) = (root.path().join("srv/app"), root.path().join("srv/aside"));
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(&app).unwrap();
    std::fs::write(app.join("there"), "ours").unwrap();
    std::fs::write(outside.join("there"), "theirs").unwrap();
    std::fs::write(outside.join("new"), "theirs").unwrap();
    let (there, new) = (Path::new("/srv/app/there"), Path::new("/srv/app/new"));
    let (there, new) = (root.follow(there).unwrap(), root.follow(new).unwrap());
    let (made, linked) = (Path::new("/srv/app/made"), Path::new("/srv/app/linked"));
    let (made, linked) = (root.follow(made).unwrap(), root.place(linked).unwrap());
    std::fs::rename(&app, &aside).unwrap();
    symlink(&outside, &app).unwrap();

    let mut text = String::new();
    there.open(OFlags::RDONLY).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "ours");
    assert!(!new.exists());
    new.open(OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC).unwrap();
    new.set_mode(0o600).unwrap();
    made.make_dir().unwrap();
    linked.symlink(Path::new("x")).unwrap();
    there.remove_file().unwrap();
    let names = |path: &Path| root.walk(path, true).unwrap().names().unwrap();
    assert_eq!(names(Path::new("/srv/aside")), ["linked", "made", "new"]);
    assert_eq!(std::fs::read_to_string(outside.join("new")).unwrap(), "theirs");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 2);
}

#[test]
fn a_link_in_the_last_place_is_not_followed_whenever_it_came() {
    let (guard, root) = root();
    let outside = guard.path().join("outside");
    std::fs::write(&outside, "theirs").unwrap();
    let place = root.follow(Path::new("/file")).unwrap();
    symlink(&outside, root.path().join("file")).unwrap();
    assert!(place.open(OFlags::WRONLY | OFlags::TRUNC).is_err());
    assert!(place.open(OFlags::RDONLY).is_err());
    assert!(place.set_mode(0o600).is_err());
    assert_eq!(std::fs::read_to_string(&outside).unwrap(), "theirs");
}

#[test]
fn a_closed_directory_knows_nothing_of_what_is_around_it() {
    let (guard, _) = root();
    let root = Root::closed(&guard.path().join("host")).unwrap();
    std::fs::write(guard.path().join("secret"), "s").unwrap();
    symlink("../secret", root.path().join("up")).unwrap();
    symlink("/etc/passwd", root.path().join("absolute")).unwrap();
    for path in ["up", "absolute", "../secret"] {
        assert!(root.walk(Path::new(path), true).is_err(), "{path}");
    }
}

#[test]
fn a_way_through_what_is_no_directory_leads_nowhere() {
    let (_guard, host) = root();
    std::fs::create_dir(host.path().join("d")).unwrap();
    std::fs::write(host.path().join("file"), "f").unwrap();
    for (link, target) in [("up", "missing/.."), ("in", "d/../file"), ("slash", "file/"), ("dir", "d/")] {
        symlink(target, host.path().join(link)).unwrap();
    }
    let closed = Root::closed(host.path()).unwrap();
    for root in [&host, &closed] {
        let is_there = |path: &str, last| root.walk(Path::new(path), last).unwrap().exists();
        for path in ["file", "d/", "d/.", "d/../file", "in", "dir", "dir/", "dir/../file", ""] {
            assert!(is_there(path, true), "{path}");
        }
        for path in
            ["file/", "file/.", "file/..", "file/../d", "missing/../file", "up", "up/file", "slash", "in/"]
        {
            assert!(!is_there(path, true), "{path}");
            assert!(!is_there(path, false) || ["up", "slash"].contains(&path), "{path}");
            assert!(std::fs::metadata(root.path().join(path)).is_err(), "{path}: as the system says");
        }
    }
    // Where nothing is, a name is still a name.
    let place = host.follow(Path::new("/missing/../new")).unwrap();
    assert_eq!(place.path(), host.path().join("new"));
    assert!(place.make_dir().is_err());
}

#[test]
fn a_loop_is_an_error() {
    let (_guard, root) = root();
    symlink("b", root.path().join("a")).unwrap();
    symlink("a", root.path().join("b")).unwrap();
    assert!(root.follow(Path::new("/a")).is_err());
}

#[test]
fn expanding_is_by_text_alone() {
    assert_eq!(expand(Path::new("srv/./x/../y/")), Path::new("/srv/y"));
    assert_eq!(expand(Path::new("/../..")), Path::new("/"));
}
