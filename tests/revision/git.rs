//! `--git`: commits of repositories on this machine.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine, Run};
use crate::support::client::{codedeploy, s3};
use crate::support::stage::Stage;

const APPSPEC: &str = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: run.sh\n";

/// A machine and a repository on it, with two commits and a tag on the first.
struct Origin {
    machine: Machine,
    first: String,
}

impl Origin {
    fn new() -> Self {
        let origin = Origin { machine: Machine::new(), first: String::new() };
        fs::create_dir(origin.path()).unwrap();
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        for (file, text) in [
            ("appspec.yml", APPSPEC),
            ("run.sh", "#!/bin/sh\n"),
            ("version", "one"),
            ("apps/shop/appspec.yml", "version: 0.0\nos: linux\n"),
            ("apps/shop/page", "shop"),
            ("tests/only-here", "x"),
            ("apps/shop/hush", "x"),
            ("apps/shop/at", "$Format:%H$"),
            ("how", "$Format:%h%d of %P$"),
            (
                ".gitattributes",
                "/tests export-ignore\n/apps/shop/hush export-ignore\n/apps/shop/at export-subst\n/how export-subst\n*.bin filter=lfs\n",
            ),
            ("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"),
        ] {
            let path = origin.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::set_permissions(origin.path().join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("version", origin.path().join("current")).unwrap();
        let first = origin.commit("first");
        // A submodule, as the tree has it: the other repository is not needed for that.
        origin.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{first},vendor")]);
        origin.git(&["tag", "v1"]);
        fs::write(origin.path().join("version"), "two").unwrap();
        origin.git(&["add", "version"]);
        origin.git(&["commit", "--quiet", "-m", "second"]);
        Origin { first, ..origin }
    }

    fn path(&self) -> PathBuf {
        self.machine.home().join("origin")
    }

    fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "filter.lfs.clean=cat"];
        let mut command = self.machine.command("git");
        command.args(identity).args(arguments).current_dir(self.path());
        let run = Run::from(command.output().unwrap()).ends_with(0);
        run.stdout.trim().to_owned()
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Bundles and says how it went; the bundle is at `out`.
    fn bundle(&self, url: &str, out: &Path) -> Run {
        let line = ["revision", "bundle", "--git", url, "--file", out.to_str().unwrap(), "-o", "json"];
        self.machine.cdctl(line).holds_no_escape()
    }

    fn file(&self, bundle: &Path, name: &str) -> Option<String> {
        let folder = bundle.with_extension("d");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        cdctl::runner::unpack(bundle, &cdctl::model::BundleType::Zip, &folder).unwrap();
        fs::read_to_string(folder.join(name)).ok()
    }
}

#[test]
fn the_callers_repository_is_left_alone() {
    let origin = Origin::new();
    let out = origin.machine.home().join("out.zip");
    let mine = origin.machine.home().join("mine");
    let run =
        origin.machine.command("git").args(["init", "--quiet", mine.to_str().unwrap()]).output().unwrap();
    assert!(run.status.success());
    let objects = || walk(&mine.join(".git"));
    fn walk(folder: &Path) -> usize {
        let count = |entry: fs::DirEntry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 };
        fs::read_dir(folder).unwrap().flatten().map(count).sum()
    }
    let before = objects();
    for variable in ["GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_SHALLOW_FILE"] {
        let place =
            if variable == "GIT_SHALLOW_FILE" { mine.join(".git/shallow") } else { mine.join(".git") };
        let mut command = origin.machine.command(CDCTL);
        command.env(variable, place).args(["revision", "bundle", "--git", &origin.url(), "--file"]).arg(&out);
        Run::from(command.output().unwrap()).ends_with(0);
        assert_eq!(objects(), before, "{variable}");
    }
}

#[test]
fn a_commit_is_bundled_without_its_history_and_the_same_every_time() {
    let origin = Origin::new();
    let out = origin.machine.home().join("out.zip");
    let digest = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap()["sha256"].clone();
    let url = origin.url();
    let tag =
        origin.bundle(&format!("{url}@v1"), &out).ends_with(0).complains(&format!("commit {}", origin.first));
    let tag = tag.complains("big.bin is a pointer of Git LFS");
    assert_eq!(origin.file(&out, "version").unwrap(), "one");
    assert_eq!(origin.file(&out, "current").unwrap(), "one", "a link stays one");
    assert_eq!(origin.file(&out, ".git/HEAD"), None);
    assert_eq!(origin.file(&out, "tests/only-here"), None, "export-ignore holds, as in GitHub's archives");
    // By commit, by its short form, by path instead of URL, and with settings that would change line ends, modes, content
    // and how objects are called.
    let settings = "[core]\nautocrlf = true\n[tar]\numask = 077\n[init]\ndefaultObjectFormat = sha256\n\
                    [filter \"lfs\"]\nsmudge = tr a-z A-Z\nrequired = true\n";
    fs::write(origin.machine.home().join(".gitconfig"), settings).unwrap();
    let short = origin.first.get(..9).unwrap();
    for from in [
        format!("{url}@{}", origin.first),
        format!("{url}@{short}"),
        format!("{}@v1", origin.path().display()),
    ] {
        let run = origin.bundle(&from, &out).ends_with(0);
        assert_eq!(digest(&run), digest(&tag), "{from}");
    }
    let head = origin.bundle(&url, &out).ends_with(0).complains("the submodule vendor is another repository");
    assert_ne!(digest(&head), digest(&tag));
    assert_eq!(origin.file(&out, "version").unwrap(), "two");
    let second = origin.git(&["rev-parse", "HEAD"]);
    let how = format!("{} of {}", &second[..7], origin.first);
    assert_eq!(origin.file(&out, "how").unwrap(), how, "neither branch nor graft, however it was found");
    for from in [format!("{url}@main"), format!("{url}@{}", &second[..9])] {
        assert_eq!(digest(&origin.bundle(&from, &out).ends_with(0)), digest(&head), "{from}");
    }
}

#[test]
fn a_repository_whose_objects_are_called_by_sha256_is_one_too() {
    let origin = Origin { machine: Machine::new(), first: String::new() };
    fs::create_dir(origin.path()).unwrap();
    origin.git(&["init", "--quiet", "--object-format=sha256", "--initial-branch=main"]);
    fs::write(origin.path().join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let commit = origin.commit("first");
    assert_eq!(commit.len(), 64);
    let out = origin.machine.home().join("out.zip");
    for from in [origin.url(), format!("{}@{commit}", origin.url())] {
        let _ = origin.bundle(&from, &out).ends_with(0).complains(&format!("commit {commit}"));
    }
}

#[test]
fn a_directory_of_a_repository_is_a_bundle_of_its_own() {
    let origin = Origin::new();
    let out = origin.machine.home().join("out.zip");
    origin.bundle(&format!("{}@main:/apps/shop/", origin.url()), &out).ends_with(0);
    assert_eq!(origin.file(&out, "page").unwrap(), "shop");
    assert_eq!(origin.file(&out, "version"), None);
    assert_eq!(origin.file(&out, "hush"), None, "the attributes above hold");
    assert_eq!(origin.file(&out, "at").unwrap(), origin.git(&["rev-parse", "main"]));
    let none = origin.bundle(&format!("{}@main:apps/none", origin.url()), &out).ends_with(1);
    none.complains("has no directory apps/none");
    let ignored = origin.bundle(&format!("{}@main:tests", origin.url()), &out).ends_with(1);
    ignored.complains("leaves tests out: its .gitattributes says export-ignore of it");
    let above = origin.bundle(&format!("{}:apps", origin.url()), &out).ends_with(10);
    above.complains("there is one in shop/").complains(&format!("{}:apps has no appspec.yml", origin.url()));
}

#[test]
fn a_link_of_a_commit_brings_nothing_of_this_machine() {
    let origin = Origin::new();
    let out = origin.machine.home().join("out.zip");
    let secret = origin.machine.home().join("secret");
    fs::write(&secret, "hush: [").unwrap();
    let bundle = |links: &str| {
        let url = origin.url();
        let line =
            ["revision", "bundle", "--git", &url, "--symlinks", links, "--file", out.to_str().unwrap()];
        origin.machine.cdctl(line)
    };
    bundle("follow").ends_with(0);
    assert!(origin.file(&out, "current").is_some());
    symlink(&secret, origin.path().join("leak")).unwrap();
    origin.commit("leak");
    fs::remove_file(&out).unwrap();
    bundle("follow").ends_with(1).complains("leak is a link to").complains("no part of the commit");
    assert!(!out.exists());
    bundle("keep").ends_with(0).complains("A062");
    fs::remove_file(origin.path().join("appspec.yml")).unwrap();
    symlink(&secret, origin.path().join("appspec.yml")).unwrap();
    origin.commit("appspec");
    let run = bundle("keep").ends_with(10).complains("which is no file of the bundle");
    assert!(!run.stderr.contains("hush"), "{run}");
}

#[test]
fn a_repository_that_is_here_is_no_host_of_ssh() {
    let origin = Origin::new();
    let out = origin.machine.home().join("out.zip");
    fs::rename(origin.path(), origin.machine.home().join("we@ird:x")).unwrap();
    let bundle = |folder: &str, from: &str| {
        let mut command = origin.machine.command(CDCTL);
        command.current_dir(origin.machine.home().join(folder));
        command.args(["revision", "bundle", "--git", from, "--file"]).arg(&out);
        Run::from(command.output().unwrap())
    };
    for (folder, from) in [
        ("we@ird:x", ".:apps/shop"),
        ("we@ird:x", ".@v1:apps/shop"),
        ("", "we@ird:x@v1:apps/shop"),
        ("", "we@ird:x:apps/shop"),
    ] {
        bundle(folder, from).ends_with(0);
        assert_eq!(origin.file(&out, "page").unwrap(), "shop", "{from}");
    }
    // Of a directory in it, what to write is told.
    for (from, written) in [(".:shop", ":apps/shop"), ("./shop@v1", "@v1:apps/shop"), ("../apps", ":apps")] {
        let run = bundle("we@ird:x/apps", from).ends_with(2).complains("is a directory of the repository");
        run.complains(&format!("we@ird:x{written}"));
    }
    bundle("", "/nowhere@v1").ends_with(1).complains("'/nowhere' does not appear to be a git repository");
}

#[test]
fn what_is_no_repository_or_commit_is_told_and_nothing_is_run_or_leaked() {
    let origin = Origin::new();
    let (out, proof) = (origin.machine.home().join("out.zip"), origin.machine.home().join("proof"));
    let touch = format!("touch {}", proof.display());
    for url in [
        format!("--upload-pack={touch}"),
        format!("ext::sh -c '{touch}'"),
        format!("{}@--upload-pack={touch}", origin.url()),
        format!("{}:--output={}", origin.url(), proof.display()),
        format!("file://{}/x;{touch}", origin.path().display()),
    ] {
        let run = origin.bundle(&url, &out);
        assert!([1, 2].contains(&run.code), "{run}");
        assert!(!proof.exists() && !out.exists(), "{url}");
    }
    origin.bundle(&format!("{}@nope", origin.url()), &out).ends_with(1).complains("has no nope");
    origin.bundle(&format!("{}@0123456789", origin.url()), &out).ends_with(1).complains("has no commit");
    let run = origin.bundle("http://user:s3cret@127.0.0.1:9/o/r@v1", &out).ends_with(1);
    assert!(!run.stderr.contains("s3cret") && run.stderr.contains("http://127.0.0.1:9/o/r"), "{run}");
    // Within a hook of git these name the caller's repository.
    let mut command = origin.machine.command(crate::support::cdctl::CDCTL);
    command.env("GIT_DIR", "/nonexistent").args(["revision", "bundle", "--git", &origin.url(), "--file"]);
    Run::from(command.arg(&out).output().unwrap()).ends_with(0);
}

#[tokio::test]
async fn a_commit_is_pushed_and_one_of_github_is_fetched_where_it_is_looked_at() {
    let origin = Origin::new();
    let stage = Stage::new();
    s3(&stage.sandbox).create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine =
        Machine::new().against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1");
    let line = format!("revision push --git {}@v1 s3://releases/a.zip --app shop", origin.url());
    machine.run(&line).ends_with(0).says("s3://releases/a.zip?");
    machine.run(&format!("revision push --git {} --app shop", origin.url())).ends_with(2);
    machine.run(&format!("{line} s3://releases/b.zip")).ends_with(2);
    // What stands for github.com is the user's setting, as any other way to reach a repository.
    fs::create_dir_all(machine.home().join("github/owner")).unwrap();
    symlink(origin.path(), machine.home().join("github/owner/repo.git")).unwrap();
    let instead =
        format!("[url \"file://{}/github/\"]\ninsteadOf = https://github.com/\n", machine.home().display());
    fs::write(machine.home().join(".gitconfig"), instead).unwrap();
    let revision = format!("github:owner/repo@{}", origin.first);
    machine.run(&format!("revision validate {revision}")).ends_with(0).complains("github:owner/repo@");
    machine.run(&format!("revision diff s3://releases/a.zip {revision} --exit-code")).ends_with(0);
    let host = machine.home().join("host");
    fs::create_dir(&host).unwrap();
    let run = machine.run(&format!("revision run {revision} --root {} -o json", host.display()));
    run.ends_with(0);
    server.shut_down();
}

#[test]
fn credentials_of_an_address_are_never_said() {
    let machine = Machine::new();
    let out = machine.home().join("out.zip");
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let out = out.to_str().unwrap();
    for address in ["https://us3r:s3cret@localhost:1/o/x", "https://s3cret@localhost:1/o/x"] {
        let (page, reference) = (address.replace("localhost:1", "github.com"), format!("{address}@a..b"));
        for line in [
            vec!["revision", "bundle", address],
            vec!["revision", "bundle", "--git", address, "--file", out],
            vec!["revision", "bundle", "--git", &reference],
            vec!["revision", "push", "--git", address, "s3://b/k.zip", "--app", "shop"],
            vec!["revision", "push", address, "s3://b/k.zip", "--app", "shop"],
            vec!["revision", "push", site.to_str().unwrap(), address, "--app", "shop"],
            vec!["revision", "validate", address],
            vec!["revision", "run", address, "--dry-run"],
            vec!["revision", "run", &page, "--dry-run"],
            vec!["revision", "diff", address, address],
            vec!["revision", "pull", address],
            vec!["revision", "show", address, "--app", "shop"],
            vec!["revision", "register", address, "--app", "shop"],
            vec!["deploy", "create", "shop/prod", "--revision", address],
            vec!["deploy", "create", "shop/prod", "--push", address, "--dry-run"],
        ] {
            for more in [&["-vv"][..], &["-o", "json"]] {
                let run = machine.cdctl(line.iter().chain(more));
                assert!(run.code != 0, "{line:?} {run}");
                let said = format!("{}{}", run.stdout, run.stderr);
                assert!(!said.contains("s3cret") && !said.contains("us3r"), "{line:?} {run}");
            }
        }
    }
}

/// What git had written goes, and git itself, where only this process is told to end.
#[test]
fn a_signal_during_a_checkout_leaves_nothing() {
    let machine = Machine::new();
    let (bin, scratch, pipe) =
        (machine.home().join("bin"), machine.home().join("scratch"), machine.home().join("pipe"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&scratch).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    // It holds the pipe open as long as it runs.
    let script = format!("#!/bin/sh\nexec 3>{}\necho begun >&3\nexec sleep 600\n", pipe.display());
    fs::write(bin.join("git"), script).unwrap();
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = machine.command(CDCTL);
    command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).env("TMPDIR", &scratch);
    command.args(["revision", "bundle", "--git", "file:///nowhere", "--file", "/dev/null"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut begun = BufReader::new(fs::File::open(&pipe).unwrap());
    let mut line = String::new();
    begun.read_line(&mut line).unwrap();
    assert!(line == "begun\n" && fs::read_dir(&scratch).unwrap().count() > 0);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(begun.read_line(&mut line).unwrap(), 0, "git has ended");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
}
