//! A bundle on its way to S3, and what a user is told of it.

use super::pushing::{Destination, Prepared};
use crate::api::{ApiError, Ended, ErrorKind, Left, Open, Put, Stored, Uploaded};
use crate::commands::demo::quoted;
use crate::commands::missing;
use crate::context::Context;
use crate::error::{Failure, nearest};
use crate::exit::Exit;
use crate::report::upload::{Upload, size};
use crate::signals;
use crate::ui::Ui;

/// Uploads, and tells what else is under way there.
pub async fn upload(
    context: &Context,
    prepared: &Prepared,
    to: &Destination,
    place: &str,
) -> anyhow::Result<Stored> {
    let api = context.api().await?;
    let put = Put { digest: Some(prepared.sha256.clone()), ..to.put.clone() };
    let mut exit = Exit::Interrupted;
    let signal = context.signals.next();
    let stop = async { exit = signals::exit(signal.await) };
    let upload = Upload::start(&context.ui, place, prepared.bytes);
    let result = api.upload(&prepared.file, (&to.bucket, &to.key), &put, upload.progress(), stop).await;
    upload.finish();
    match result {
        Ok(Uploaded { stored, resumed, open }) => {
            if resumed > 0 {
                let there = size(resumed);
                context.ui.note(&format!("resumed an upload that was cut short: {there} were there already"));
            }
            tell_open(&context.ui, open, place);
            Ok(stored)
        }
        Err(Ended { stopped: true, left, .. }) => {
            let (what, help) = told_left(&left, to, place);
            let failure = Failure::new(format!("stopped; {what} and nothing was registered")).exit(exit);
            Err(help.into_iter().fold(failure, Failure::help).into())
        }
        Err(Ended { left, .. }) if prepared.file.has_changed() => {
            let (what, help) = told_left(&left, to, place);
            let file = prepared.file.path().display();
            let changed = format!("{file} changed while it was pushed; {what} and nothing was registered");
            let help = help.unwrap_or_else(|| "push it again once nobody writes to it".to_owned());
            Err(Failure::new(changed).help(help).into())
        }
        Err(Ended { error, left, .. }) => {
            if left != Left::Nothing {
                let (what, help) = told_left(&left, to, place);
                context.ui.warn(&[Some(what), help].into_iter().flatten().collect::<Vec<_>>().join("; "));
            }
            Err(upload_failure(context, error, to, place).await)
        }
    }
}

fn tell_open(ui: &Ui, open: Open, place: &str) {
    let tell = |count: usize, what: &str| {
        if count > 0 {
            let uploads = if count == 1 { "upload is" } else { "uploads are" };
            ui.note(&format!("{count} unfinished {uploads} at {place}, {what}: left alone"));
        }
    };
    tell(open.same, "of this bundle, and could not be removed");
    tell(open.others, "not of this bundle");
    tell(open.empty, "without parts, of a push that still runs or of one that was cut short");
}

/// What an upload that ended early has left, and what to do about it.
fn told_left(left: &Left, to: &Destination, place: &str) -> (String, Option<String>) {
    match left {
        Left::Nothing => (format!("nothing was left at {place}"), None),
        Left::Object => (format!("all was sent, so {place} may be there"), None),
        Left::Upload(None) => (format!("an unfinished upload without parts may be left at {place}"), None),
        Left::Upload(Some(id)) => {
            let abort = format!(
                "aws s3api abort-multipart-upload --bucket {} --key {} --upload-id {id}",
                quoted(&to.bucket),
                quoted(&to.key)
            );
            let help =
                format!("the next push of the same bundle goes on with its parts; `{abort}` removes them");
            (format!("an unfinished upload was left at {place}"), Some(help))
        }
    }
}

async fn upload_failure(context: &Context, error: ApiError, to: &Destination, place: &str) -> anyhow::Error {
    let failure = Failure::api(format!("cannot upload to {place}"), &error);
    if let (ErrorKind::Denied, Some(owner)) = (error.kind, &to.put.expected_owner) {
        let cause = format!("the bucket is not account {owner}'s, which --expected-bucket-owner names");
        return failure.help(format!("{cause}, or the caller lacks the IAM permission s3:PutObject")).into();
    }
    if error.code.as_deref() == Some("NoSuchUpload") {
        return failure.help("somebody else removes uploads there: see who pushes or cleans up").into();
    }
    if error.kind != ErrorKind::NotFound {
        return failure.into();
    }
    let names = match context.api().await {
        Ok(api) => missing::soon(api.bucket_names()).await.unwrap_or_default(),
        Err(error) => return error,
    };
    match nearest(&to.bucket, names.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean bucket `{near}`?")).into(),
        None => failure.help("make the bucket first; the tool creates none").into(),
    }
}
