//! What may be an on-premises instance.

use crate::sandbox::operations::Refusal;
use crate::sandbox::store::Region;

/// A name of 1 to 100 of `[A-Za-z0-9+=,.@_-]` that is not taken for an EC2 instance's id.
///
/// Source: the AWS CLI's own check in `aws deploy register`.
pub fn instance_name(given: Option<&str>) -> Result<&str, Refusal> {
    let Some(name) = given.filter(|name| !name.is_empty()) else {
        return Err(Refusal::new("InstanceNameRequiredException", "Instance name is missing"));
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    if name.len() > 100 || !name.chars().all(fits) || name.starts_with("i-") {
        let message = format!("Instance name is not valid: {name}");
        return Err(Refusal::new("InvalidInstanceNameException", message));
    }
    Ok(name)
}

/// A registration names one IAM identity, a user or a session.
pub fn check_identity(user: Option<&str>, session: Option<&str>) -> Result<(), Refusal> {
    match (user, session) {
        (None, None) => {
            let message = "An IAM user ARN or an IAM session ARN must be specified";
            Err(Refusal::new("IamArnRequiredException", message))
        }
        (Some(_), Some(_)) => {
            let message = "Both an IAM user ARN and an IAM session ARN were specified; only one may be";
            Err(Refusal::new("MultipleIamArnsProvidedException", message))
        }
        (Some(user), None) if !is_arn(user, "iam", "user/") => {
            let message = format!("Iam User ARN {user} is not in a valid format");
            Err(Refusal::new("InvalidIamUserArnException", message))
        }
        (None, Some(session)) if !is_arn(session, "sts", "assumed-role/") => {
            let message = format!("Iam Session ARN {session} is not in a valid format");
            Err(Refusal::new("InvalidIamSessionArnException", message))
        }
        _ => Ok(()),
    }
}

/// An ARN of this service, without a region, whose resource has this beginning and a name after it.
fn is_arn(arn: &str, service: &str, resource: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, named, "", account, rest]
        if partition.starts_with("aws")
            && named == service
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && rest.strip_prefix(resource).is_some_and(|name| !name.is_empty()))
}

/// An IAM identity stands for one instance.
pub fn refuse_taken(region: &Region, user: Option<&str>, session: Option<&str>) -> Result<(), Refusal> {
    let mut others = region.on_premises.values().filter(|instance| super::is_registered(instance));
    let taken = others
        .any(|other| other.iam_user_arn.as_deref() == user && other.iam_session_arn.as_deref() == session);
    if !taken {
        return Ok(());
    }
    let (code, used, either) = match user {
        Some(_) => ("IamUserArnAlreadyRegisteredException", "user", "IAM user ARN or IAM session ARN"),
        None => ("IamSessionArnAlreadyRegisteredException", "session", "IAM session ARN or IAM user ARN"),
    };
    let message = format!(
        "The on-premises instance could not be registered because the request included an IAM {used} ARN that has \
         already been used to register an instance. Include either a different {either} in the request, and then \
         try again."
    );
    Err(Refusal::new(code, message))
}
