//! `revision bundle` and `push`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use cdctl::sandbox::server::Server;
use serde_json::Value;

use crate::support::cdctl::{CDCTL, Machine};
use crate::support::client::{codedeploy, s3};
use crate::support::sandbox::{ROLE, SIMULATED, Sandbox};
use crate::support::stage::Stage;

const APPSPEC: &str = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: run.sh\n";

/// In the region of the clients that make what it finds.
fn machine_against(server: &Server) -> Machine {
    Machine::new().against(&format!("http://{}", server.address())).set("AWS_REGION", "eu-west-1")
}

fn site(machine: &Machine) -> PathBuf {
    let site = machine.home().join("site");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), APPSPEC).unwrap();
    fs::write(site.join("run.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(site.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    site
}

#[test]
fn a_bundle_is_written_where_it_is_wanted_and_the_same_every_time() {
    let machine = Machine::new();
    let site = site(&machine);
    // Within the directory itself: the bundle is no part of itself.
    for kind in ["zip", "tar", "tgz"] {
        let file = site.join(format!("out.{kind}"));
        let line =
            format!("revision bundle {} --type {kind} --file {} -o json", site.display(), file.display());
        let json = |run: crate::support::cdctl::Run| -> Value {
            serde_json::from_str(&run.ends_with(0).stdout).unwrap()
        };
        let (one, two) = (json(machine.run(&line)), json(machine.run(&line)));
        assert_eq!(one, two);
        assert_eq!(one["bytes"], fs::metadata(&file).unwrap().len());
        machine.run(&format!("revision validate {} --strict", file.display())).ends_with(0);
        fs::remove_file(file).unwrap();
    }
    fs::remove_file(site.join("run.sh")).unwrap();
    let line =
        format!("revision bundle {} --file {}", site.display(), machine.home().join("no.zip").display());
    machine.run(&line).ends_with(10).complains("nothing was bundled");
    assert!(!machine.home().join("no.zip").exists());
}

#[tokio::test]
async fn a_large_bundle_goes_in_parts_and_the_same_one_does_not_go_again() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine = machine_against(&server);
    let site = site(&machine);
    let mut random = fastrand::Rng::with_seed(3);
    let mut noise = vec![0; 17 << 20];
    random.fill(&mut noise);
    fs::write(site.join("noise"), &noise).unwrap();
    let line = format!(
        "revision push {} s3://releases/big.zip --app shop --if-changed --tag team=web --sse AES256",
        site.display()
    );
    let first = machine.run(&line).ends_with(0);
    assert!(first.stdout.starts_with("s3://releases/big.zip?"), "{first}");
    let head = s3.head_object().bucket("releases").key("big.zip").send().await.unwrap();
    assert!(head.e_tag().unwrap().ends_with("-3\""), "three parts: {:?}", head.e_tag());
    assert_eq!(tags(&s3, "big.zip").await, [("team".to_owned(), "web".to_owned())]);
    let again = machine.run(&line).ends_with(0).complains("nothing was uploaded");
    assert_eq!(again.stdout, first.stdout);
    // The same content, to be stored in another way.
    let other = line.replace("AES256", "aws:kms");
    let stored = machine.run(&other).ends_with(0);
    assert_ne!(stored.stdout, first.stdout);
    machine.run(&other).ends_with(0).complains("nothing was uploaded");
    let foreign = machine.run(&format!("{other} --expected-bucket-owner 000000000000")).ends_with(1);
    foreign.complains("AccessDenied").complains("is not account 000000000000's");
    let open = s3.list_multipart_uploads().bucket("releases").send().await.unwrap();
    assert!(open.uploads().is_empty());
    // What was pushed is what was bundled.
    machine.run("revision validate s3://releases/big.zip --strict").ends_with(0);
    server.shut_down();
}

/// The tags that an object of the bucket has.
async fn tags(s3: &aws_sdk_s3::Client, key: &str) -> Vec<(String, String)> {
    let tagging = s3.get_object_tagging().bucket("releases").key(key).send().await.unwrap();
    tagging.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

#[tokio::test]
async fn an_object_is_stored_as_push_was_told() {
    let stage = Stage::new();
    let s3 = s3(&stage.sandbox);
    s3.create_bucket().bucket("releases").send().await.unwrap();
    codedeploy(&stage.sandbox).create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine = machine_against(&server);
    let site = site(&machine).display().to_string();
    let key = "arn:aws:kms:eu-west-1:123456789012:key/0123";
    let mut line = vec!["revision", "push", &site, "s3://releases/site.zip", "--app", "shop", "-vv"];
    line.extend(["--sse-kms-key-id", key, "--acl", "bucket-owner-full-control"]);
    line.extend(["--tag", "team=web & shop", "--tag", "cost=a=b"]);
    // The sandbox keeps no ACLs: what is sent is what a bucket gets.
    machine.cdctl(&line).ends_with(0).complains("x-amz-acl: bucket-owner-full-control\n");
    let head = s3.head_object().bucket("releases").key("site.zip").send().await.unwrap();
    assert_eq!(head.server_side_encryption().map(|kind| kind.as_str()), Some("aws:kms"));
    assert_eq!(head.ssekms_key_id(), Some(key));
    let mut told = tags(&s3, "site.zip").await;
    told.sort();
    assert_eq!(
        told,
        [("cost", "a=b"), ("team", "web & shop")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    server.shut_down();
}

#[tokio::test]
async fn a_commit_of_github_is_registered_as_it_is() {
    let stage = Stage::new();
    let client = codedeploy(&stage.sandbox);
    client.create_application().application_name("shop").send().await.unwrap();
    let server = stage.serve();
    let machine = machine_against(&server);
    let revision = "github:owner/repo@0123456789abcdef0123456789abcdef01234567";
    machine.run(&format!("revision push {revision} --app shop")).ends_with(0).says(revision);
    machine.run(&format!("revision push {revision} --app shpo")).ends_with(1).complains("did you mean");
    for flag in ["--exclude x", "--type zip", "--agent 2", "--tag a=b", "--sse AES256", "--if-changed"] {
        let run = machine.run(&format!("revision push {revision} --app shop {flag}")).ends_with(2);
        let name = flag.split(' ').next().unwrap();
        run.complains(&format!("is registered and not uploaded: {name} changes nothing of it"));
    }
    let listed = client.list_application_revisions().application_name("shop").send().await.unwrap();
    assert_eq!(listed.revisions().len(), 1);
    server.shut_down();
}

#[tokio::test]
async fn what_push_prints_is_the_revision_that_it_registered() {
    let stage = Stage::new();
    let (objects, client) = (s3(&stage.sandbox), codedeploy(&stage.sandbox));
    for (bucket, versioned) in [("versioned", true), ("plain", false)] {
        objects.create_bucket().bucket(bucket).send().await.unwrap();
        if versioned {
            let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
            let request = objects.put_bucket_versioning().bucket(bucket).versioning_configuration(enabled);
            request.send().await.unwrap();
        }
    }
    let server = stage.serve();
    let machine = machine_against(&server);
    let site = site(&machine);
    let role = "arn:aws:iam::123456789012:role/CodeDeploy";
    for bucket in ["versioned", "plain"] {
        machine.run(&format!("app create {bucket}")).ends_with(0);
        machine
            .run(&format!("group create {bucket}/web --ec2-tag Role=web --service-role {role}"))
            .ends_with(0);
        let push = format!("revision push {} s3://{bucket}/site.zip --app {bucket} -q", site.display());
        let pushed = machine.run(&push).ends_with(0).stdout;
        let revision = pushed.trim();
        assert_eq!(revision.contains("versionId="), bucket == "versioned", "{revision}");
        assert!(revision.contains("etag="), "{revision}");
        machine.run(&format!("revision show {revision} --app {bucket}")).ends_with(0);
        machine.run(&format!("revision list {bucket} -o text")).ends_with(0).says(revision);
        machine.run(&format!("deploy create {bucket}/web --revision {revision} -q")).ends_with(0);
        let listed = client.list_application_revisions().application_name(bucket).send().await.unwrap();
        assert_eq!(listed.revisions().len(), 1, "{revision}");
    }
    server.shut_down();
}

#[test]
fn the_name_says_what_a_directory_becomes() {
    let machine = Machine::new();
    let site = site(&machine).display().to_string();
    let out = |name: &str| machine.home().join(name).display().to_string();
    for (name, flags, first) in [
        ("a.zip", "", &b"PK"[..]),
        ("a.tgz", "", b"\x1f\x8b"),
        ("a.tar.gz", "", b"\x1f\x8b"),
        ("a.TAR", "", b"appspec.yml"),
        ("a", "", b"PK"),
        ("b", "--type tgz", b"\x1f\x8b"),
    ] {
        machine.run(&format!("revision bundle {site} --file {} {flags}", out(name))).ends_with(0);
        assert!(fs::read(out(name)).unwrap().starts_with(first), "{name}");
    }
    for (name, flags, said) in [
        ("c.tgz", "--type zip", "tgz, and this becomes one of type zip\n"),
        ("c.yml", "", "YAML, and a directory becomes none\n  help: give it the ending .zip, .tar or .tgz"),
    ] {
        let run = machine.run(&format!("revision bundle {site} --file {} {flags}", out(name))).ends_with(2);
        run.complains(&format!("names a bundle of type {said}")).complains("help: ");
        assert!(!fs::exists(out(name)).unwrap(), "{name}");
    }
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let push =
        |from: &str, to: &str| machine.run(&format!("revision push {from} s3://releases/{to} --app shop"));
    push(&site, "s.tar").ends_with(0).says("s3://releases/s.tar?");
    machine.run(&format!("revision diff {site} s3://releases/s.tar --exit-code")).ends_with(0);
    push(&site, "s?bundleType=tgz").ends_with(0).says("bundleType=tgz");
    machine.run(&format!("revision diff {site} s3://releases/s?bundleType=tgz --exit-code")).ends_with(0);
    let run =
        push(&format!("{site} --type zip"), "s.tar").ends_with(2).complains("names a bundle of type tar");
    assert!(!run.stderr.contains("bundled"), "{run}");
    push(&format!("{site} --type tar"), "typed")
        .ends_with(0)
        .says("s3://releases/typed?")
        .says("bundleType=tar");
    push(&out("a.tgz"), "ready").ends_with(0).says("bundleType=tgz");
    push(&site, "untyped").ends_with(2).complains("the key's ending does not tell the bundle type");
    push(&format!("{site} --sse AES256 --sse-kms-key-id k"), "s.zip").ends_with(2).complains_only(
        "error: --sse AES256 takes no key of KMS\n  help: leave --sse out, or --sse-kms-key-id\n",
    );
    push(&format!("{site} --acl nope"), "s.zip").ends_with(1).complains("InvalidArgument");
    push(&out("a.tgz"), "s.zip")
        .ends_with(2)
        .complains("s.zip names a bundle of type zip, and a.tgz is one of type tgz\n");
}

/// What the agent unpacks is what was bundled, or it is told.
#[test]
fn names_that_unzip_changes_are_told_before_they_are_bundled() {
    let machine = Machine::new();
    let site = site(&machine);
    let bundle = |kind: &str| {
        let file = machine.home().join(format!("out.{kind}"));
        let _ = fs::remove_file(&file);
        machine.run(&format!("revision bundle {} --file {}", site.display(), file.display()))
    };
    fs::create_dir(site.join("x")).unwrap();
    fs::write(site.join("x/tab\tn"), "t").unwrap();
    fs::write(site.join("x/a;1"), "two").unwrap();
    let run = bundle("zip").ends_with(0).complains("warning[A064]").complains("`x/a;1` becomes `x/a`");
    run.complains("becomes `x/tabn`").complains("or make the bundle a tar");
    assert!(!bundle("tar").ends_with(0).stderr.contains("A064"));
    fs::write(site.join("x/a"), "one").unwrap();
    let run = bundle("zip").ends_with(10).complains("error[A064]").complains("nothing was bundled");
    run.complains("`unzip` puts `x/a;1` where it puts `x/a`: x/a");
    bundle("tgz").ends_with(0);
}

#[test]
fn what_is_there_already_is_registered_and_nothing_is_sent_to_s3() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let object = "s3://releases/site-1.zip?etag=0123456789abcdef0123456789abcdef";
    let github = "github:owner/repo@0123456789abcdef0123456789abcdef01234567";
    for revision in [object, github] {
        let run = machine.run(&format!("revision register {revision} --app shop --description first -vv"));
        let run = run.ends_with(0).complains("RegisterApplicationRevision");
        assert_eq!(run.stdout, format!("{revision}\n"));
        assert!(!run.stderr.contains("PutObject"), "{}", run.stderr);
        let shown = machine.run(&format!("revision show {revision} --app shop -o json")).ends_with(0);
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["revisionInfo"]["description"], "first");
    }
    machine.run(&format!("revision register {object} --app shpo")).ends_with(1).complains("did you mean");
    machine.run("revision register last-good --app shop").ends_with(2);
}

/// What is told to stay here must not go out because it is in an archive already.
#[test]
fn what_is_taken_as_it_is_takes_no_flag_that_would_change_it() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let (site, file) = (site(&machine), machine.home().join("ready.zip"));
    machine.run(&format!("revision bundle {} --file {}", site.display(), file.display())).ends_with(0);
    let push = |flags: &str| {
        let line = format!("revision push {} s3://releases/ready.zip --app shop {flags}", file.display());
        machine.run(&line)
    };
    let exclude = "--exclude run.sh";
    for flags in [exclude, "--ignore-hidden-files", "--symlinks error", "--include-git", "--type tgz"] {
        let flag = flags.split(' ').next().unwrap();
        push(flags)
            .ends_with(2)
            .complains(&format!("ready.zip is taken as it is: {flag} changes nothing of it\n"))
            .complains(&format!("help: leave {flag} out, or give the directory"));
    }
    machine.run("revision pull s3://releases/ready.zip").ends_with(1).complains("cannot download");
    push("--type zip --symlinks keep --agent 2").ends_with(0);
    machine.run(&format!("revision bundle s3://releases/ready.zip {exclude}")).ends_with(2);
}

/// Nothing but a file is replaced, and a link stays one.
#[test]
fn a_bundle_goes_where_a_link_leads_and_into_a_pipe() {
    let machine = Machine::new();
    let site = site(&machine);
    let path = |name: &str| machine.home().join(name);
    let bundle = |to: &std::path::Path| {
        machine.run(&format!("revision bundle {} --type zip --file {}", site.display(), to.display()))
    };
    fs::create_dir(path("real")).unwrap();
    bundle(&path("real/t.zip")).ends_with(0);
    let bytes = fs::read(path("real/t.zip")).unwrap();
    fs::write(path("real/t.zip"), "old").unwrap();
    symlink("real/t.zip", path("l.zip")).unwrap();
    bundle(&path("l.zip")).ends_with(0).says("l.zip");
    assert!(path("l.zip").is_symlink() && fs::read(path("real/t.zip")).unwrap() == bytes);
    symlink("nowhere", path("dangling.zip")).unwrap();
    bundle(&path("dangling.zip")).ends_with(1).complains("it is a link to nowhere");
    bundle(&path("real")).ends_with(2).complains("it is a directory");

    let pipe = path("pipe.zip");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let reader = {
        let pipe = pipe.clone();
        std::thread::spawn(move || fs::read(pipe).unwrap())
    };
    bundle(&pipe).ends_with(0).says("pipe.zip");
    assert!(reader.join().unwrap() == bytes && !pipe.is_file());

    let mut command = machine.command(CDCTL);
    command.args(["revision", "bundle", "--file", "/dev/stdout"]).arg(&site);
    let output = command.output().unwrap();
    assert!(output.status.success() && output.stdout == bytes, "the bundle and nothing else");
}

#[test]
fn nothing_is_uploaded_that_the_application_cannot_deploy() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    for (name, platform) in [("Server", "server"), ("Lambda", "lambda"), ("ECS", "ecs")] {
        machine.run(&format!("app create {name} --platform {platform}")).ends_with(0);
    }
    let (site, objects) = (site(&machine), sandbox.objects());
    let text = machine.home().join("lambda.yml");
    let resource = "Properties: {Name: f, Alias: live, CurrentVersion: \"1\", TargetVersion: \"2\"}";
    let appspec = format!("version: 0.0\nResources: [{{f: {{Type: AWS::Lambda::Function, {resource}}}}}]\n");
    fs::write(&text, appspec).unwrap();
    let push = |path: &PathBuf, key: &str, app: &str| {
        machine.run(&format!("revision push {} s3://releases/{key} --app {app}", path.display()))
    };
    push(&site, "a.zip", "Lambda").ends_with(1).complains("deploys to functions, and takes no zip");
    push(&site, "a.tgz", "ECS").ends_with(1).complains("deploys to services, and takes no tgz");
    push(&text, "a.yml", "Server").ends_with(1).complains("deploys to instances, and takes no YAML");
    // An artifact of CodePipeline's may be one; for CodeDeploy it is none.
    let (folder, zip) = (machine.home().join("function"), machine.home().join("function.zip"));
    fs::create_dir(&folder).unwrap();
    fs::copy(&text, folder.join("appspec.yml")).unwrap();
    let line = format!("revision bundle {} --file {}", folder.display(), zip.display());
    machine.run(&line).ends_with(0).complains("note[A067]");
    machine.run(&format!("revision validate {}", zip.display())).ends_with(0).says("warning[A067]");
    for path in [&folder, &zip] {
        let run = push(path, "b.zip", "Server").ends_with(10);
        run.complains("with an AppSpec for Lambda or ECS can be deployed; nothing was uploaded");
    }
    // An AppSpec alone, for another platform.
    let (ecs, server) = (machine.home().join("ecs.yml"), machine.home().join("server.yml"));
    let properties = "TaskDefinition: 'arn:aws:ecs:us-east-1:123456789012:task-definition/web:3', \
                      LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}";
    let appspec = format!(
        "version: 0.0\nResources: [{{TargetService: {{Type: AWS::ECS::Service, Properties: {{{properties}}}}}}}]\n"
    );
    fs::write(&ecs, appspec).unwrap();
    fs::write(&server, "version: 0.0\nos: linux\n").unwrap();
    push(&ecs, "a.yml", "Lambda").ends_with(1).complains_only(&format!(
        "error: application Lambda deploys to functions, and this AppSpec is for services; nothing was uploaded\n  \
         help: `cdctl revision validate {} --platform lambda` says what it lacks\n",
        ecs.display()
    ));
    push(&text, "a.yml", "ECS").ends_with(1).complains("to services, and this AppSpec is for functions");
    push(&server, "a.yml", "ECS").ends_with(1).complains("to services, and this AppSpec is for instances");
    // Before a deployment, planned or made, in one region or several.
    let lambda = "--config CodeDeployDefault.LambdaAllAtOnce --style blue-green --traffic-control on";
    for region in ["us-east-1", "eu-west-1"] {
        machine.run(&format!("app ensure Lambda --platform lambda --region {region}")).ends_with(0);
        let create = format!("group create Lambda/live --service-role {ROLE} {lambda} --region {region}");
        machine.run(&create).ends_with(0);
    }
    machine.run(&format!("group create Server/web --service-role {ROLE} --ec2-tag Role=web")).ends_with(0);
    let deploy = |group: &str, path: &PathBuf, more: &str| {
        machine.run(&format!("deploy create {group} --push {} --bucket releases {more}", path.display()))
    };
    for more in ["", "--dry-run", "--watch", "--watch --regions us-east-1,eu-west-1"] {
        let run = deploy("Lambda/live", &site, more).ends_with(1).says_nothing();
        run.complains("deploys to functions, and takes no zip; nothing was uploaded");
        let run = deploy("Lambda/live", &ecs, more).ends_with(1).says_nothing();
        run.complains("deploys to functions, and this AppSpec is for services; nothing was uploaded");
    }
    let run = deploy("Server/web", &text, "").ends_with(1).says_nothing();
    run.complains("deploys to instances, and takes no YAML; nothing was uploaded");
    assert_eq!(sandbox.objects(), objects);
    push(&text, "a.yml", "Lambda").ends_with(0);
    let plan = deploy("Lambda/live", &text, "--dry-run").ends_with(0);
    assert!(plan.stdout.contains("/Lambda/lambda-") && plan.stdout.contains(".yml"), "{plan}");
    deploy("Lambda/live", &text, "").ends_with(0);
}

#[test]
fn a_bundle_that_could_not_be_registered_is_told_with_what_registers_it() {
    let sandbox = Sandbox::start(SIMULATED, 60);
    let machine = sandbox.machine();
    machine.run("app create shop").ends_with(0);
    let site = machine.home().join("one");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    machine.run("sandbox fault add error --operation RegisterApplicationRevision --times 1").ends_with(0);
    let push = format!("revision push {} s3://releases/one.zip --app shop --max-attempts 1", site.display());
    let run = machine.run(&push).ends_with(1).says_nothing().complains("bundled 1 entry, ");
    let told =
        run.stderr.split("is there and not registered: `").nth(1).and_then(|rest| rest.split_once('`'));
    let (line, _) = told.unwrap_or_else(|| panic!("{run}"));
    assert!(line.starts_with("cdctl revision register 's3://releases/one.zip?versionId="), "{line}");
    let line = line.trim_start_matches("cdctl ").replace('\'', "");
    machine.run(&line).ends_with(0).says("s3://releases/one.zip?versionId=");
}
