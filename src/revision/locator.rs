//! The string that names a revision on the command line. Its printed form is `model::Revision`'s.

use std::path::PathBuf;
use std::str::FromStr;

use crate::model::{BundleType, Revision, bare_etag};

use super::Error;

/// What a `--revision` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locator {
    /// `s3://…` or `github:…`
    Revision(Revision),
    /// `appspec:FILE`; `-` is standard input.
    AppSpecFile(PathBuf),
    /// `last-good`
    LastGood,
}

const FORMS: &str = "a revision is s3://BUCKET/KEY, github:OWNER/REPO@COMMIT, appspec:FILE or last-good";

impl FromStr for Locator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Locator::with_type(text, None)
    }
}

impl Locator {
    /// As it is written; an object whose name does not tell the type of the bundle is of this one.
    ///
    /// # Errors
    /// It is none.
    pub fn with_type(text: &str, kind: Option<BundleType>) -> Result<Self, Error> {
        if text == "last-good" {
            return Ok(Locator::LastGood);
        }
        if let Some(rest) = text.strip_prefix("s3://") {
            return s3(text, rest, kind).map(Locator::Revision);
        }
        if let Some(rest) = text.strip_prefix("github:") {
            return github(rest).map(Locator::Revision);
        }
        if let Some(file) = text.strip_prefix("appspec:") {
            if file.is_empty() {
                return Err(Error::new("appspec: names no file")
                    .help("for example: appspec:appspec.yml, or appspec:- for standard input"));
            }
            return Ok(Locator::AppSpecFile(PathBuf::from(file)));
        }
        let error = Error::new(format!("`{text}` is no revision"));
        Err(if text.starts_with("https://github.com/") {
            error.help("for example: github:owner/repo@0123456789abcdef0123456789abcdef01234567")
        } else if text.starts_with("arn:aws") || text.starts_with("https://") || text.starts_with("s3:") {
            error.help("for example: s3://releases/site-1.zip")
        } else {
            error.help(format!("{FORMS}; a directory is deployed with --push DIR"))
        })
    }
}

fn s3(text: &str, rest: &str, kind: Option<BundleType>) -> Result<Revision, Error> {
    let example = "for example: s3://releases/site-1.zip";
    let (path, query) = match rest.rsplit_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    // `deploy create --regions` puts each region's name there.
    if bucket.is_empty() || !bucket.replace("{region}", "").chars().all(fits) {
        return Err(
            Error::new(format!("`{text}` has no bucket name that S3 would take: `{bucket}`")).help(example)
        );
    }
    if key.is_empty() || key.ends_with('/') {
        return Err(Error::new(format!("`{text}` names no object")).help(example));
    }
    let (mut version, mut etag, mut bundle_type) = (None, None, BundleType::of_key(key));
    for parameter in query.into_iter().flat_map(|query| query.split('&')) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if !matches!(name, "versionId" | "etag" | "bundleType") {
            let message = format!("`{text}`: unknown parameter `{name}`");
            return Err(Error::new(message).help("an S3 revision has: versionId, etag, bundleType"));
        }
        if value.is_empty() || (name == "etag" && bare_etag(value).is_empty()) {
            return Err(Error::new(format!("`{text}`: {name} has no value"))
                .help(format!("write ?{name}=VALUE, or leave it out")));
        }
        match name {
            "versionId" => version = Some(value.to_owned()),
            "etag" => etag = Some(value.to_owned()),
            _ => bundle_type = Some(known_type(text, value)?),
        }
    }
    let bundle_type = bundle_type.or(kind);
    if bundle_type.is_none() {
        let message = format!("`{text}`: the key's ending does not tell the bundle type");
        return Err(Error::new(message)
            .help(format!("add ?bundleType=zip (or tar, tgz): s3://{bucket}/{key}?bundleType=zip")));
    }
    Ok(Revision::S3 { bucket: bucket.to_owned(), key: key.to_owned(), bundle_type, version, etag })
}

fn known_type(text: &str, value: &str) -> Result<BundleType, Error> {
    let known = BundleType::KNOWN.iter().find(|kind| kind.as_str().eq_ignore_ascii_case(value));
    known.cloned().ok_or_else(|| {
        let names: Vec<&str> = BundleType::KNOWN.iter().map(BundleType::as_str).collect();
        Error::new(format!("`{text}`: unknown bundleType `{value}`"))
            .help(format!("it is one of: {}", names.join(", ")))
    })
}

fn github(rest: &str) -> Result<Revision, Error> {
    let example = "for example: github:owner/repo@0123456789abcdef0123456789abcdef01234567";
    let (repository, commit) = match rest.rsplit_once('@') {
        Some((repository, commit)) => (repository, commit),
        None => return Err(Error::new(format!("`github:{rest}` names no commit")).help(example)),
    };
    let name = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    if !repository.split_once('/').is_some_and(|(owner, repo)| name(owner) && name(repo)) {
        return Err(
            Error::new(format!("`{repository}` is no GitHub repository: it is OWNER/REPO")).help(example)
        );
    }
    if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::new(format!("`{commit}` is no commit: CodeDeploy takes the 40 hex digits of a commit, no branch, tag or short form"))
            .help("`git rev-parse NAME` prints them"));
    }
    Ok(Revision::GitHub { repository: repository.to_owned(), commit: commit.to_ascii_lowercase() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Locator, String> {
        text.parse().map_err(|error: Error| error.to_string())
    }

    #[test]
    fn what_is_printed_reads_back() {
        for text in [
            "s3://releases/a/site-1.zip",
            "s3://releases/site.tar.gz?versionId=V.1",
            "s3://releases/site?etag=abc&bundleType=tgz",
            "s3://releases/site.zip?etag=\"abc\"",
            "s3://releases/site?versionId=V&etag=abc&bundleType=tgz",
            "s3://releases/what?.zip?versionId=V",
            "s3://releases/what?.zip?bundleType=zip",
            "github:owner/repo@0123456789abcdef0123456789abcdef01234567",
        ] {
            match parse(text) {
                Ok(Locator::Revision(revision)) => assert_eq!(revision.to_string(), text),
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(parse("last-good"), Ok(Locator::LastGood));
        assert_eq!(parse("appspec:-"), Ok(Locator::AppSpecFile("-".into())));
    }

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        for (text, part) in [
            ("", "`` is no revision"),
            ("./site", "--push DIR"),
            ("s3:/releases/a.zip", "for example: s3://releases/site-1.zip"),
            ("s3://", "has no bucket name"),
            ("s3://Rel eases/a.zip", "has no bucket name"),
            ("s3://releases", "names no object"),
            ("s3://releases/dir/", "names no object"),
            ("s3://releases/site", "add ?bundleType=zip"),
            ("s3://releases/a.zip?version=1", "unknown parameter `version`"),
            ("s3://releases/a.zip?versionId=", "versionId has no value"),
            ("s3://releases/a.zip?etag=\"", "etag has no value"),
            ("s3://releases/a?bundleType=rar", "it is one of: tar, tgz, zip, YAML, JSON"),
            ("github:owner/repo", "names no commit"),
            ("github:repo@0123456789abcdef0123456789abcdef01234567", "it is OWNER/REPO"),
            ("github:owner/repo@main", "no branch"),
            ("appspec:", "names no file"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
