//! `sandbox serve --state` is killed with KILL again and again, and what it has acknowledged is always there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_codedeploy::types::{BundleType, RevisionLocation, RevisionLocationType, S3Location, Tag};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::Builder;
use tokio::sync::watch;

use crate::support::cdctl::{CDCTL, Machine};
use crate::support::sandbox::ROLE;

const FLEET: &str = "
buckets: [{name: releases}]
generate: [{count: 3, tags: {Role: web}}]
";
const CLIENTS: usize = 3;
const LIVES: usize = 100;
/// Applications of one client at most.
const MOST: usize = 3;

/// A server that is killed when it is dropped.
pub(super) struct Served {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    pub(super) url: String,
}

impl Served {
    pub(super) fn start(mut command: Command, arguments: &str) -> Self {
        command.args(["sandbox", "serve"]).args(arguments.split_whitespace());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        stdout.read_line(&mut url).unwrap();
        Served { child, _stdout: stdout, url: url.trim_end().to_owned() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn serve(machine: &Machine, folder: &Path, more: &str) -> Served {
    let fleet = folder.join("fleet.yaml");
    std::fs::write(&fleet, FLEET).unwrap();
    let (fleet, state) = (fleet.display(), folder.join("state"));
    let line = format!("--listen 127.0.0.1:0 --state {} --fleet {fleet} {more}", state.display());
    Served::start(machine.command(CDCTL), &line)
}

/// What a client was told is there: by application.
type Known = BTreeMap<String, Application>;

#[derive(Clone, Debug, Default, PartialEq)]
struct Application {
    tags: BTreeMap<String, String>,
    /// Group and its deployment.
    groups: BTreeMap<String, Option<String>>,
    /// The object under the application's name.
    object: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Write {
    Create(String),
    Delete(String),
    Tag(String, String, String),
    Group(String, String),
    Deploy(String, String),
    Put(String, Vec<u8>),
    Remove(String),
}

#[derive(Clone)]
struct Client {
    deploy: aws_sdk_codedeploy::Client,
    s3: aws_sdk_s3::Client,
}

impl Client {
    fn of(url: &str) -> Self {
        use aws_sdk_codedeploy::config::{BehaviorVersion, Region, retry::RetryConfig};
        let credentials = Credentials::new("sandbox", "sandbox", None, None, "test");
        let deploy = aws_sdk_codedeploy::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials.clone())
            .retry_config(RetryConfig::disabled())
            .http_client(Builder::new().build_http())
            .endpoint_url(url);
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .http_client(Builder::new().build_http())
            .force_path_style(true)
            .endpoint_url(url);
        Client {
            deploy: aws_sdk_codedeploy::Client::from_conf(deploy.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.build()),
        }
    }

    /// Makes a write; none where no answer came. Gives the deployment's id, or nothing.
    async fn write(&self, write: &Write) -> Option<String> {
        let Client { deploy, s3 } = self;
        let nothing = String::new();
        match write {
            Write::Create(name) => {
                deploy.create_application().application_name(name).send().await.ok().map(|_| nothing)
            }
            Write::Delete(name) => {
                deploy.delete_application().application_name(name).send().await.ok().map(|_| nothing)
            }
            Write::Tag(name, key, value) => {
                let tag = Tag::builder().key(key).value(value).build();
                deploy.tag_resource().resource_arn(arn(name)).tags(tag).send().await.ok().map(|_| nothing)
            }
            Write::Group(name, group) => {
                let filter = aws_sdk_codedeploy::types::Ec2TagFilter::builder()
                    .key("Role")
                    .value("web")
                    .r#type("KEY_AND_VALUE".into());
                let create = deploy.create_deployment_group().application_name(name);
                let create = create.deployment_group_name(group).service_role_arn(ROLE);
                create.ec2_tag_filters(filter.build()).send().await.ok().map(|_| nothing)
            }
            Write::Deploy(name, group) => {
                let object = S3Location::builder().bucket("releases").key("site.zip");
                let revision = RevisionLocation::builder()
                    .revision_type(RevisionLocationType::S3)
                    .s3_location(object.bundle_type(BundleType::Zip).build());
                let create = deploy.create_deployment().application_name(name).deployment_group_name(group);
                create.revision(revision.build()).send().await.ok()?.deployment_id
            }
            Write::Put(key, body) => {
                let put = s3.put_object().bucket("releases").key(key).body(ByteStream::from(body.clone()));
                put.send().await.ok().map(|_| nothing)
            }
            Write::Remove(key) => {
                s3.delete_object().bucket("releases").key(key).send().await.ok().map(|_| nothing)
            }
        }
    }

    /// What is there of an application and its object; none where there is no application.
    async fn read(&self, name: &str) -> (Option<Application>, Option<Vec<u8>>) {
        let Client { deploy, s3 } = self;
        let object = match s3.get_object().bucket("releases").key(name).send().await {
            Ok(object) => Some(object.body.collect().await.unwrap().into_bytes().to_vec()),
            Err(error) => {
                assert!(error.as_service_error().is_some_and(|error| error.is_no_such_key()), "{error:?}");
                None
            }
        };
        let got = deploy.get_application().application_name(name).send().await;
        if got.is_err_and(|error| error.into_service_error().is_application_does_not_exist_exception()) {
            return (None, object);
        }
        let tags = deploy.list_tags_for_resource().resource_arn(arn(name)).send().await.unwrap();
        let tags =
            tags.tags().iter().map(|tag| (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned()));
        let names = deploy.list_deployment_groups().application_name(name).send().await.unwrap();
        let mut groups = BTreeMap::new();
        for group in names.deployment_groups() {
            let list = deploy.list_deployments().application_name(name).deployment_group_name(group);
            let ids = list.send().await.unwrap().deployments.unwrap_or_default();
            assert!(ids.len() < 2, "{ids:?}");
            groups.insert(group.clone(), ids.into_iter().next());
        }
        (Some(Application { tags: tags.collect(), groups, object: object.clone() }), object)
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:codedeploy:us-east-1:123456789012:application:{name}")
}

impl Write {
    /// Something to do in what a client knows.
    fn draw(known: &Known, client: usize, rng: &mut fastrand::Rng) -> Self {
        let new = Write::Create(format!("c{client}-{:08}", rng.u32(..100_000_000)));
        let Some((name, own)) = rng.choice(known.iter()) else { return new };
        let name = name.clone();
        let free = own.groups.iter().find(|(_, deployment)| deployment.is_none());
        match rng.u8(..12) {
            0 | 1 if known.len() < MOST => new,
            0 | 1 => Write::Delete(name),
            2 | 3 => Write::Tag(name, format!("k{}", rng.u8(..4)), rng.u32(..).to_string()),
            4 | 5 if own.groups.len() < 3 => Write::Group(name, format!("g{}", own.groups.len())),
            6..=8 if free.is_some() => Write::Deploy(name, free.unwrap().0.clone()),
            9 => Write::Remove(name),
            _ => Write::Put(name, (0..rng.usize(..3_000)).map(|_| rng.u8(..)).collect()),
        }
    }

    fn name(&self) -> &str {
        let (Write::Create(name) | Write::Delete(name) | Write::Tag(name, ..) | Write::Group(name, _)) = self
        else {
            let (Write::Deploy(name, _) | Write::Put(name, _) | Write::Remove(name)) = self else {
                unreachable!()
            };
            return name;
        };
        name
    }

    /// What is there once it is done. `answer`: the id of a deployment.
    fn apply(&self, known: &mut Known, answer: &str) {
        let own = known.entry(self.name().to_owned()).or_default();
        match self {
            Write::Create(_) => {}
            Write::Delete(name) => drop(known.remove(name)),
            Write::Tag(_, key, value) => drop(own.tags.insert(key.clone(), value.clone())),
            Write::Group(_, group) => drop(own.groups.insert(group.clone(), None)),
            Write::Deploy(_, group) => drop(own.groups.insert(group.clone(), Some(answer.to_owned()))),
            Write::Put(_, body) => own.object = Some(body.clone()),
            Write::Remove(_) => own.object = None,
        }
    }
}

/// One client's view over all lives.
struct Witness {
    number: usize,
    rng: fastrand::Rng,
    known: Known,
    /// What it has asked for in this life, and what was not answered.
    touched: Vec<String>,
    open: Option<Write>,
}

impl Witness {
    /// Writes until no answer comes.
    async fn write(&mut self, client: &Client, acknowledged: &watch::Sender<usize>) {
        loop {
            let write = Write::draw(&self.known, self.number, &mut self.rng);
            self.touched.push(write.name().to_owned());
            match client.write(&write).await {
                Some(answer) => write.apply(&mut self.known, &answer),
                None => {
                    self.open = Some(write);
                    return;
                }
            }
            acknowledged.send_modify(|count| *count += 1);
        }
    }

    /// Holds what is there against what was acknowledged; what was not answered may be there or not.
    async fn check(&mut self, client: &Client) {
        self.touched.sort();
        self.touched.dedup();
        for name in std::mem::take(&mut self.touched) {
            let (found, object) = client.read(&name).await;
            let open = self.open.take_if(|write| write.name() == name);
            let before = self.known.get(&name).cloned();
            let mut after = self.known.clone();
            if let Some(open) = &open {
                let id = match open {
                    Write::Deploy(_, group) => {
                        found.as_ref().and_then(|found| found.groups.get(group)?.clone())
                    }
                    _ => None,
                };
                open.apply(&mut after, &id.unwrap_or_default());
            }
            assert!(
                found == before || found.as_ref() == after.get(&name),
                "{name}, {open:?}: {found:?} is neither {before:?} nor {:?}",
                after.get(&name)
            );
            match found {
                Some(found) => drop(self.known.insert(name, found)),
                None => {
                    self.known.remove(&name);
                    // The name is not used again: its object stays or not.
                    drop(object);
                }
            }
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_every_kill() {
    let (machine, folder) = (Machine::new(), tempfile::tempdir().unwrap());
    let mut rng = fastrand::Rng::with_seed(3);
    let witness = |number| Witness {
        number,
        rng: fastrand::Rng::with_seed(number as u64),
        known: Known::new(),
        touched: Vec::new(),
        open: None,
    };
    let mut witnesses: Vec<_> = (0..CLIENTS).map(witness).collect();
    let mut served = serve(&machine, folder.path(), "--speed 500");
    for _ in 0..LIVES {
        let client = Client::of(&served.url);
        let (count, mut counted) = watch::channel(0);
        let (writes, later) = (rng.usize(..6), Duration::from_micros(rng.u64(..4_000)));
        let [a, b, c] = witnesses.as_mut_slice() else { unreachable!() };
        let load = async {
            tokio::join!(a.write(&client, &count), b.write(&client, &count), c.write(&client, &count))
        };
        let killed = async {
            counted.wait_for(|count| *count >= writes).await.unwrap();
            tokio::time::sleep(later).await;
            served.child.kill().unwrap();
        };
        tokio::join!(load, killed);
        served = {
            drop(served);
            serve(&machine, folder.path(), "--speed 500")
        };
        let client = Client::of(&served.url);
        let [a, b, c] = witnesses.as_mut_slice() else { unreachable!() };
        tokio::join!(a.check(&client), b.check(&client), c.check(&client));
    }

    // All of it once more; and every deployment comes to its end.
    let client = Client::of(&served.url);
    for witness in &mut witnesses {
        witness.touched = witness.known.keys().cloned().collect();
        witness.check(&client).await;
        for id in witness.known.values().flat_map(|own| own.groups.values().flatten()) {
            let get = || client.deploy.get_deployment().deployment_id(id).send();
            let mut tries = 0;
            while get().await.unwrap().deployment_info.unwrap().complete_time.is_none() {
                tries += 1;
                assert!(tries < 2_000, "{id} does not end");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// Until a new state is whole there is none: what is killed on the way leaves a directory that the next start takes.
#[test]
fn a_start_that_is_killed_leaves_a_directory_that_can_be_used() {
    let (machine, folder) = (Machine::new(), tempfile::tempdir().unwrap());
    for life in 0..20_u64 {
        let state = folder.path().join(life.to_string());
        let line = format!("--listen 127.0.0.1:0 --state {}", state.display());
        let mut killed = machine.command(CDCTL);
        killed.args(["sandbox", "serve"]).args(line.split_whitespace());
        let mut killed = killed.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The moment is when the file is there: most of a start is spent on it.
        let seen = || std::fs::read_dir(&state).is_ok_and(|mut names| names.next().is_some());
        while !seen() {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(life * 1_000));
        killed.kill().unwrap();
        killed.wait().unwrap();
        loop {
            let mut next = machine.command(CDCTL);
            next.args(["sandbox", "serve"]).args(line.split_whitespace());
            let mut next = next.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut url = String::new();
            BufReader::new(next.stdout.take().unwrap()).read_line(&mut url).unwrap();
            if url.starts_with("http://") {
                next.kill().unwrap();
                next.wait().unwrap();
                break;
            }
            let said = String::from_utf8(next.wait_with_output().unwrap().stderr).unwrap();
            // A process that the killed one was about to start has its lock until it is one of its own.
            assert!(said.contains("another sandbox uses it"), "after {life} ms: {said}");
        }
        assert!(!state.join("state.redb.new").exists());
    }
}

#[test]
fn a_watch_sees_a_deployment_through_a_kill() {
    let (machine, folder) = (Machine::new(), tempfile::tempdir().unwrap());
    let served = serve(&machine, folder.path(), "--speed 4");
    let address = served.url.trim_start_matches("http://").to_owned();
    let machine = machine.against(&served.url);
    machine.run("app create shop").ends_with(0);
    let group = format!("group create shop/prod --ec2-tag Role=web --service-role {ROLE}");
    machine.run(&group).ends_with(0);
    std::fs::create_dir(folder.path().join("site")).unwrap();
    std::fs::write(folder.path().join("site/appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    let site = folder.path().join("site");
    let push = format!("revision push {} s3://releases/site.zip --app shop", site.display());
    machine.run(&push).ends_with(0);
    let create =
        "deploy create shop/prod --revision s3://releases/site.zip --config CodeDeployDefault.AllAtOnce";
    let id = machine.run(create).ends_with(0).stdout.trim().to_owned();
    let mut watch = machine.command(CDCTL);
    watch.args(["deploy", "watch", &id]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut watch = watch.spawn().unwrap();
    let mut lines = BufReader::new(watch.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut seen: Vec<String> = Vec::new();
    while !seen.iter().any(|line| line.contains(" started ")) {
        seen.push(lines.next().expect("the watch goes on"));
    }
    drop(served);
    let line = format!(
        "--listen {address} --state {} --fleet {} --speed 4",
        folder.path().join("state").display(),
        folder.path().join("fleet.yaml").display()
    );
    let _served = Served::start(machine.command(CDCTL), &line);
    seen.extend(lines);
    assert_eq!(watch.wait().unwrap().code(), Some(0), "{seen:#?}");
    assert!(seen.iter().any(|line| line.contains(&format!("✓ SUCCEEDED  {id}"))), "{seen:#?}");
}
