//! A deployment from its application to its end, as the SDK's client sees it.

use aws_sdk_codedeploy::error::ProvideErrorMetadata;
use aws_sdk_codedeploy::operation::RequestId;
use aws_sdk_codedeploy::types::{BundleType, RevisionLocation, RevisionLocationType, S3Location};

use crate::support::client::codedeploy;
use crate::support::stage::{NOW, Stage};

#[tokio::test]
async fn the_sdk_reads_what_it_wrote() {
    let stage = Stage::new();
    let client = codedeploy(&stage.sandbox);
    client.create_application().application_name("shop").send().await.unwrap();
    let role = "arn:aws:iam::123456789012:role/CodeDeploy";
    let group = client.create_deployment_group().application_name("shop").deployment_group_name("prod");
    group.service_role_arn(role).send().await.unwrap();
    let bundle =
        S3Location::builder().bucket("releases").key("site.zip").bundle_type(BundleType::Zip).build();
    let revision =
        RevisionLocation::builder().revision_type(RevisionLocationType::S3).s3_location(bundle).build();
    let create = client.create_deployment().application_name("shop").deployment_group_name("prod");
    let created = create.clone().revision(revision.clone()).send().await.unwrap();
    assert!(created.request_id().is_some());
    let id = created.deployment_id().unwrap();
    let info = client.get_deployment().deployment_id(id).send().await.unwrap().deployment_info.unwrap();
    assert_eq!(info.revision(), Some(&revision));
    // The wire says it exactly; the SDK's floating point loses a hair of it.
    assert_eq!((info.create_time().unwrap().as_nanos() + 500_000) / 1_000_000, i128::from(NOW));
    let busy = create.revision(revision).send().await.unwrap_err();
    assert_eq!(busy.code(), Some("DeploymentLimitExceededException"));
    assert!(busy.message().unwrap().contains(id));
    assert!(busy.request_id().is_some());
}
