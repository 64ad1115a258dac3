//! What each code means: the words of `revision explain` and of a SARIF report's rules.

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// Stable: `A003`.
    pub id: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What happens in a deployment, and what to do.
    pub text: &'static str,
}

/// The code of this name, in whatever case.
pub fn code(id: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.id.eq_ignore_ascii_case(id))
}

const fn of(id: &'static str, title: &'static str, text: &'static str) -> Code {
    Code { id, title, text }
}

/// All of them, in order.
pub const CODES: &[Code] = &[
    of(
        "A001",
        "not YAML, or not as the agent loads it",
        "The file cannot be read, so every event that needs it fails. Tabs in the indentation, a missing blank after a colon or dash and open quotes are the usual causes. Agent 1 (Ruby's safe loading) also refuses aliases, dates and Ruby tags, which agent 2 takes.",
    ),
    of("A002", "the file is empty", "There is nothing but blanks and comments in it: the agent refuses it."),
    of(
        "A003",
        "version",
        "The version is the number 0.0. In quotes it is text, and both agents refuse that, although the agent's own message shows quotes. Other ways to write zero are taken but documented nowhere.",
    ),
    of(
        "A004",
        "os",
        "It is `linux` or `windows`, in lower case. Agent 1 also refuses a file for another system than the host's; agent 2 never compares.",
    ),
    of(
        "A005",
        "file_exists_behavior",
        "It is DISALLOW, OVERWRITE or RETAIN, in capitals, at the top level of the file.",
    ),
    of(
        "A006",
        "no keys with values",
        "The file holds a list or one text. Often a blank is missing after the colons.",
    ),
    of(
        "A007",
        "more than one document",
        "After `---` a second YAML document begins, or the first key is indented and those below it are not. Agent 1 reads the first document only, of an indented key that key; agent 2 refuses the file, even where the second is empty. For Lambda and ECS an AppSpec is one document.",
    ),
    of(
        "A008",
        "byte order mark",
        "The file begins with the bytes EF BB BF. Where the first key follows at once the agents see that key only: agent 1 says that the operating system is not supported, agent 2 that `os` is missing. Before a comment, an empty line or a brace it does nothing. `--fix` takes it away.",
    ),
    of(
        "A009",
        "almost JSON",
        "The text begins with a brace and is no JSON, for instance by a comma too many. The agents read it as YAML and take it; editors and other tools do not.",
    ),
    of(
        "A010",
        "files is not a list of entries",
        "`files` is a list; each item has `source` and `destination`.",
    ),
    of(
        "A011",
        "no source",
        "An entry of files has no `source`: the agent refuses the file. `/` is the whole bundle.",
    ),
    of(
        "A012",
        "no destination",
        "An entry of files has no `destination`: the agent refuses the file. Often it stands in a list item of its own, or in another column than its source.",
    ),
    of(
        "A013",
        "a path that is no text",
        "`source` or `destination` is a number, a list or a mapping. Agent 1 takes the file and fails in Install; agent 2 takes a number for text and refuses the rest.",
    ),
    of(
        "A014",
        "a destination that is not absolute",
        "Variables are not expanded; `~` is by agent 2 only, and agent 1 fails in Install. A relative destination lies below the agent's own directory; on Windows one without a drive, on that directory's drive. In double quotes YAML makes a control character of `\\a` or `\\t`.",
    ),
    of(
        "A015",
        "a source that is not in the bundle",
        "Install fails with `No such file or directory`, after the entries before it were installed. There are no wildcards. On Windows the case of letters does not count.",
    ),
    of(
        "A016",
        "one target for two sources",
        "Install fails before anything is copied: two entries make the same file, or a file where the other needs a directory.",
    ),
    of(
        "A017",
        "a file that every host has",
        "With `file_exists_behavior: DISALLOW`, which holds where nothing is said, Install fails at a file that is there already and was not installed by the last deployment. Write `file_exists_behavior: OVERWRITE`, or install it elsewhere.",
    ),
    of(
        "A018",
        "a destination that is written like a file",
        "A destination is always a directory: `source: app/x.txt` with `destination: /etc/x.txt` installs /etc/x.txt/x.txt. Write the directory that the file is to lie in; the file keeps its name.",
    ),
    of(
        "A019",
        "a path that is too long",
        "Linux takes paths of at most 4,095 bytes and names of at most 255. A path of the host is the destination with the names in the bundle behind it. Install fails where it would make a longer one, after it has installed what comes before.",
    ),
    of("A020", "permissions is not a list of entries", "`permissions` is a list; each item has an `object`."),
    of("A021", "no object", "A permission has no `object`: the agent refuses the file."),
    of(
        "A022",
        "not a mode",
        "A mode has up to four octal digits. Without quotes YAML may read another number: agent 1 reads 0755 as 493 and refuses it, agent 2 takes the digits as they are. Write it in quotes.",
    ),
    of(
        "A023",
        "a mode that becomes another",
        "Agent 1 reads a mode with a leading zero as octal: 0644 becomes mode 0420. Modes shorter than three digits are filled with zeros in front. Write it in quotes; `--fix` does. Setuid and setgid of a file are lost where the permission sets an owner or a group too: the agents do that last.",
    ),
    of(
        "A024",
        "a value of a permission",
        "Owner and group are names: agent 1 fails in Install on numbers and unknown names, agent 2 leaves the owner as it is. Agent 1 also fails on a pattern that is no text. `type` is a list of `file` and `directory`, `except` a list of patterns, which are for names directly in the object.",
    ),
    of(
        "A025",
        "an ACL entry",
        "An entry is `[d:]u|g|m|o:[NAME]:PERMISSIONS`. The base entries follow from `mode`. Agent 2 wants the kind written out. A default entry that reaches a file makes Install fail, and so does somebody whom the host does not know. Agent 1 gives the path to a shell, which takes it apart at blanks, quotes and the like: Install fails, and behind a `$` it sets another file's.",
    ),
    of(
        "A026",
        "an SELinux context",
        "A context has a `type`, and for agent 1 a `range`, without which its Install fails although the guide calls it optional. It also gives the path to a shell, which takes it apart at blanks, quotes and the like.",
    ),
    of("A027", "permissions on Windows", "The agents refuse an AppSpec for Windows with permissions."),
    of(
        "A028",
        "permissions that clash",
        "Install fails: an object is set twice, pattern or except is given for a file, or anything is set through a link that leads nowhere on the host.",
    ),
    of(
        "A029",
        "a permission for nothing",
        "Permissions reach only what this deployment copies or makes; the object's own directory is never among it, and patterns other than `**` are for names directly in the object. This one does nothing.",
    ),
    of(
        "A030",
        "hooks of the wrong shape",
        "`hooks` has events; each event has a list of scripts: `AfterInstall:`, below it `- location: …`.",
    ),
    of(
        "A031",
        "location",
        "A script has no `location`, or a list for one: the agent refuses the file. Where it stands in a list item of its own, its neighbours in the item above lack it.",
    ),
    of(
        "A032",
        "timeout",
        "Whole seconds above 0, without quotes. Agent 1 reads on where it can (`5m` is 5 s, `1:30` is 5400 s, `0300` is 192 s); agent 2 refuses all of these and numbers in quotes.",
    ),
    of(
        "A033",
        "longer than an hour",
        "The service fails an event after 3600 s, whatever its scripts may take together.",
    ),
    of(
        "A034",
        "no such event",
        "Its scripts never run in a deployment. `codedeploy-local` refuses the file, and so does Install where the service sends its list of events; the local run of agent 2 passes over them.",
    ),
    of(
        "A035",
        "an event without scripts",
        "The event belongs to the agent, the service or another platform. On Install and DownloadBundle scripts are passed over; other names are refused as unknown ones are (A034).",
    ),
    of(
        "A036",
        "nothing to run",
        "`hooks` or an event is empty: no script runs. It is a warning where what belongs below stands beside it, not indented.",
    ),
    of(
        "A037",
        "a script that is not in the bundle",
        "The event fails: in the next deployment where it is ApplicationStop, BeforeBlockTraffic or AfterBlockTraffic, whose scripts are those of the revision before. A location is a path below the bundle's root, through links too, and takes no arguments.",
    ),
    of(
        "A038",
        "CR LF in a script",
        "With CR LF after `#!` the system looks for an interpreter whose name ends in a CR: the event fails. The commands of a shell get the CR of their own lines too.",
    ),
    of("A039", "a directory as a script", "The event fails."),
    of(
        "A040",
        "a location for a shell",
        "Agent 1 gives the location to a shell, which takes it apart at blanks, quotes, `$` and the like: the event fails. Agent 2 does so for scripts with `runas`.",
    ),
    of("A041", "no execute bit", "The agent sets it and says so in its log. Nothing fails."),
    of("A042", "runas or sudo on Windows", "They are ignored."),
    of(
        "A043",
        "sudo",
        "It is true or false. Agent 1 takes any text for true, `\"false\"` too; agent 2 refuses everything but the two words.",
    ),
    of(
        "A044",
        "runas an account that `su` refuses",
        "It is the name of one user. `su` knows no ids and no `user:group`, and of accounts without a login shell, as packages make them for servers, it runs nothing: the event fails. Agent 1 gives its command to a shell, which takes a name with blanks or the like apart.",
    ),
    of(
        "A045",
        "byte order mark in a script",
        "The first line is not seen as `#!`: a shell runs the script, and its first line is an unknown command. Of UTF-16 text no shell makes anything.",
    ),
    of(
        "A046",
        "no #! line",
        "A shell, /bin/sh, runs the script, whatever its ending says or a line further down: `#!` counts at the very beginning alone. An empty script does nothing.",
    ),
    of(
        "A047",
        "a script that does not start",
        "Linux takes what stands behind `#!` up to the first blank for the path of the interpreter, and all the rest of the line for one argument. `env` looks for a program of just that name, but where `-S` has it part the words. A path that does not begin with a slash is looked for from the agent's own directory. Windows starts programs, PowerShell's .ps1 files, and .bat and .cmd files.",
    ),
    of(
        "A050",
        "a key that is ignored",
        "The agent passes over keys that it does not know, at every level, without a word.",
    ),
    of(
        "A051",
        "a key that comes twice",
        "Agent 1 takes the last one only. Agent 2 refuses that for the keys of the AppSpec itself, and takes the last of two events. For Lambda and ECS one of the two is lost, and an event has one function.",
    ),
    of(
        "A060",
        "no appspec.yml at the root",
        "The agent looks for `appspec.yml` at the root of the bundle and for no other name: the deployment fails. Windows finds it in whatever case.",
    ),
    of(
        "A061",
        "left out of the bundle",
        "Pipes, sockets and devices cannot be bundled. Of a file's mode a bundle has the permissions, without setuid and setgid: the AppSpec can give it those on the host.",
    ),
    of(
        "A062",
        "a link out of the bundle",
        "It leads to something that this bundle does not bring. Where that is a directory on the host the agents copy it as it is there, with all that is in it; any other link is installed as it is, and nothing is written through it. `revision run` and the sandbox install every one as the link that it is, and note it. With `--symlinks follow` the bundle has a copy of what is there on the machine that makes it.",
    ),
    of(
        "A063",
        "names that differ in case only",
        "On a host or build machine whose file system takes both for one name, one of them is lost.",
    ),
    of(
        "A064",
        "names in a zip that `unzip` changes",
        "Old tools of Windows part the names by backslashes. The agent's `unzip` takes them for slashes and warns; at a warning agent 1 unpacks the zip once more by itself, and then such files lie at the root too, with the backslashes in their names. `unzip` also leaves out control characters, and `;` with digits at the end of a name, which is how VMS writes a file's version: such a file lies under another name than the zip says. Names beyond ASCII in a zip that MS-DOS or Windows made Debian's and Ubuntu's `unzip` takes for code page 850 and writes in Latin-1, be they UTF-8 or not; `revision run` and the sandbox take them for what they are. A directory that is bundled as a zip is looked at for such names too; where one file would take another's place, that is an error.",
    ),
    of(
        "A065",
        "a damaged archive",
        "Where `unzip` or `tar` fails the event DownloadBundle fails: the agents' own unpacking, to which they then turn, fails as well. Only a wrong checksum passes agent 1, which installs the damaged file. What `unzip` goes by is the header of each file: where that and the archive's directory say different things, a tool by the one may fail where a tool by the other does not. All headers are compared; the content is read of all files where they unpack to at most 16 MiB together, else of the AppSpec and the files that it names. A tar is read to its end.",
    ),
    of(
        "A066",
        "a link to a directory that it is in",
        "Install follows links to directories. Here it copies the directory into itself, as often as the system follows links behind each other; with two such links it never ends.",
    ),
    of(
        "A067",
        "an AppSpec for Lambda or ECS in a bundle",
        "A revision for Lambda or ECS is the AppSpec file alone. The service takes no zip, tar or tgz for functions and services (`BundleType must be either YAML or JSON`), and a host refuses this AppSpec. Only CodePipeline's action for ECS takes it out of a zip, its input artifact. `revision push` uploads no such bundle: push the AppSpec file itself.",
    ),
    of(
        "A068",
        "a file that is never removed",
        "The agents write down what they install, a path a line, and the next deployment removes that first. They take blanks and carriage returns from the end of each line, so that a file whose name ends in one is not found, and a line feed makes two lines of a path. The file stays, and the next Install fails where it finds it there, keeps it or, with `file_exists_behavior: OVERWRITE`, writes over it.",
    ),
    of(
        "A069",
        "a name that is not UTF-8",
        "Tars and zips hold names as bytes, old ones in Latin-1 or another code page. What Install is going to do the agents write down as JSON, which takes UTF-8 alone: where `files` installs such a name agent 1 ends the event with `source sequence is illegal/malformed utf-8`, and agent 2 does not answer any more. What was installed before has been removed by then.",
    ),
    of(
        "A070",
        "not one resource",
        "A Lambda or ECS AppSpec has `Resources`, a list with exactly one resource; that of ECS is named TargetService. CloudFormation's tags are unknown here.",
    ),
    of("A071", "an unknown key", "The service refuses keys that it does not know."),
    of("A072", "the resource's type", "It is AWS::Lambda::Function or AWS::ECS::Service."),
    of(
        "A073",
        "a property is missing",
        "The service makes the deployment and then fails it (INVALID_REVISION).",
    ),
    of("A074", "a property's value", "The service refuses the value."),
    of(
        "A075",
        "a placeholder",
        "A pipeline puts the value in before it deploys. Deployed as it is, an AppSpec of Lambda or ECS is refused, and on hosts the text is taken for the value. `--allow-placeholders` makes it a note, and reads a file that is YAML or JSON only once it is filled in.",
    ),
    of(
        "A076",
        "Hooks is not a list of events",
        "`Hooks` is a list; each item has one event and its Lambda function.",
    ),
    of("A077", "no such event here", "The service refuses events that the platform does not have."),
    of(
        "A078",
        "not a Lambda function",
        "A hook of Lambda and ECS is the name or ARN of one Lambda function. Scripts run on EC2 and on-premises hosts only.",
    ),
    of(
        "A079",
        "a task definition without revision",
        "The family's newest task definition is taken when the deployment begins, which may be another one by then.",
    ),
    of("A099", "more findings", "There are more than a thousand findings: the worst of them are told."),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes as they stand in the source of the checks.
    fn used() -> std::collections::BTreeSet<String> {
        fn walk(folder: &std::path::Path, texts: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, texts);
                } else if path.file_name().is_some_and(|name| name != "codes.rs") {
                    texts.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut texts = String::new();
        for folder in ["src/appspec", "src/revision"] {
            walk(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut texts);
        }
        texts.split('"').filter(|word| word.len() == 4 && word.starts_with("A0")).map(str::to_owned).collect()
    }

    #[test]
    fn every_code_is_explained_and_every_explanation_is_of_a_code() {
        let explained: std::collections::BTreeSet<String> =
            CODES.iter().map(|code| code.id.to_owned()).collect();
        assert_eq!(explained, used());
        assert!(CODES.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(code("a034").map(|code| code.title), Some("no such event"));
    }
}
