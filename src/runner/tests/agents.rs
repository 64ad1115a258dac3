//! Where the agents differ in what an Install removes and sets, and what both refuse.

use super::*;

impl Deployment<'_> {
    /// DownloadBundle and Install as an agent does them: why Install failed.
    fn install(&self, agent: Agent) -> Option<String> {
        let fetch = |path: &Path| fs::write(path, &self.bundle).map_err(|error| error.to_string());
        let event = |event: &EventName| {
            let order = Order { specification: &self.specification, event, agent, listener: None };
            run(&self.world.host, &order, &fetch).0
        };
        assert_eq!(event(&EventName::DownloadBundle), Diagnostics::success());
        let last = event(&EventName::Install);
        (last != Diagnostics::success()).then_some(last.message)
    }

    fn log(&self) -> String {
        let log = format!("agent/g-1/{}/logs/scripts.log", self.specification.deployment_id);
        fs::read_to_string(self.world.guard.path().join(log)).unwrap()
    }
}

const THERE: &str = "The deployment failed because a specified file already exists at this location: ";

#[test]
fn a_name_that_ends_in_a_blank_is_not_found_again() {
    for (name, one, two) in [("trail ", true, true), ("wide\u{3000}", false, true), ("dir /in", false, false)]
    {
        for (agent, stays) in [(Agent::One, one), (Agent::Two, two)] {
            let mut world = World::new();
            let path = format!("site/{name}");
            let files = [("appspec.yml", 0o644, SITE), (path.as_str(), 0o644, "x")];
            assert_eq!(world.deployment(&files).install(agent), None);
            // What the line would be read as is somebody else's.
            let other = world.path(&format!("/srv/{path}"));
            let other = other.with_file_name(name.trim().replace("dir /in", "other"));
            fs::write(&other, "kept").unwrap();
            let failed = stays.then(|| format!("{THERE}/srv/{path}"));
            let second = world.deployment(&files);
            let conflicts = second.preview(agent).unwrap().0.conflicts;
            assert_eq!(conflicts.len(), usize::from(stays), "{name} {agent:?}");
            assert_eq!(second.install(agent), failed, "{name} {agent:?}");
            assert!(other.exists());
        }
    }
}

#[test]
fn a_link_that_leads_to_nothing_is_removed_and_noted_for_agent_2() {
    let links = |target: &'static str| [("site/b", 0o644, "x"), ("site/link", LINK, target)];
    // Read backwards, the record names the target of `a` before it.
    let first = [("site/a", LINK, "b"), ("site/b", 0o644, "x")];
    for (files, dangling) in [
        (links("/run/none.sock"), Some("link")),
        (first, Some("a")),
        (links("b"), None),
        (links("/bin/sh"), None),
    ] {
        let files = [&[("appspec.yml", 0o644, SITE)], &files[..]].concat();
        for agent in [Agent::One, Agent::Two] {
            let mut world = World::new();
            assert_eq!(world.deployment(&files).install(agent), None);
            let second = world.deployment(&files);
            assert_eq!(second.preview(agent).unwrap().0.lacks, None, "{files:?}");
            assert_eq!(second.install(agent), None, "{files:?}");
            let note = "leads to nothing now";
            let expected = dangling.filter(|_| agent == Agent::Two);
            let noted = second.log().lines().filter(|line| line.contains(note)).count();
            assert_eq!(noted, usize::from(expected.is_some()), "{}", second.log());
            if let Some(link) = expected {
                assert!(second.log().contains(&format!("/srv/site/{link} {note}")), "{}", second.log());
            }
        }
    }
}

#[test]
fn agent_2_uses_no_record_that_others_may_write() {
    let mut world = World::new();
    let files = [("appspec.yml", 0o644, SITE), ("site/a", 0o644, "x")];
    assert_eq!(world.deployment(&files).install(Agent::Two), None);
    let record = world.guard.path().join("agent/deployment-instructions/g-1-cleanup");
    assert_eq!(record.metadata().unwrap().permissions().mode() & 0o022, 0);
    assert_eq!(world.deployment(&files).install(Agent::Two), None);
    fs::set_permissions(&record, fs::Permissions::from_mode(0o664)).unwrap();
    let third = world.deployment(&files);
    for (agent, is_used) in [(Agent::One, true), (Agent::Two, false)] {
        let preview = third.preview(agent).unwrap().0;
        assert_eq!((!preview.removed.is_empty(), preview.distrusted.is_none()), (is_used, is_used));
    }
    assert_eq!(third.install(Agent::Two), Some(format!("{THERE}/srv/site/a")));
    assert!(
        third.log().contains("may be written by others, until `chmod go-w`: agent 2 removes nothing that")
    );
    fs::set_permissions(&record, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(world.deployment(&files).install(Agent::Two), None, "it stays, and can be used again");
}

/// Permissions of what is installed, and why Install of each agent fails: before anything is copied, or not.
#[test]
fn permissions_that_no_host_takes_fail_on_every_host() {
    const DEFAULT: &str = "The deployment failed because the -d parameter has been specified to apply an acl setting to a file.";
    const APART: &str = "The deployment failed because of a problem with the acls permission settings in the application specification file for this object: /srv/site/my file. Agent 1's shell takes the path apart at ' '.";
    for (name, set, one, two, is_early) in [
        ("a", "acls: ['d:u:root:rw']", Some(DEFAULT), Some(DEFAULT), true),
        ("a", "acls: ['default:u:root:rw'], type: [directory]", None, None, false),
        ("a", "acls: ['d:rw'], type: [directory]", None, None, false),
        ("a", "owner: '1000'", Some("can't find user for 1000"), None, false),
        ("a", "group: 'a:b'", Some("can't find group for a:b"), None, false),
        ("my file", "acls: ['u:root:rw']", Some(APART), None, false),
        ("my file", "mode: '640'", None, None, false),
        ("A$B.class", "acls: ['u:root:rw']", None, None, false),
    ] {
        // Agent 2 wants the kind of an entry written out.
        for (agent, expected) in [(Agent::One, one), (Agent::Two, two)] {
            if agent == Agent::Two && set.contains("'d:rw'") {
                continue;
            }
            let mut world = World::new();
            let (appspec, path) =
                (format!("{SITE}permissions:\n  - {{object: /srv/site, {set}}}\n"), format!("site/{name}"));
            let files = [("appspec.yml", 0o644, appspec.as_str()), (path.as_str(), 0o644, "x")];
            let deployment = world.deployment(&files);
            let foretold = deployment.preview(agent).map(|(preview, _)| preview.lacks);
            let failed = deployment.install(agent);
            let is_told = |said: &Option<String>| match expected {
                Some(expected) => said.as_ref().is_some_and(|said| said.starts_with(expected)),
                None => said.is_none(),
            };
            assert!(is_told(&failed), "{set} {agent:?}: {failed:?}");
            assert!(is_told(&foretold.as_ref().err().cloned()), "{set} {agent:?}: {foretold:?}");
            let is_copied = world.path(&format!("/srv/{path}")).exists();
            assert_eq!(is_copied, expected.is_none() || !is_early, "{set} {agent:?}");
        }
    }
}
