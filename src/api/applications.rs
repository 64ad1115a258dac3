//! Applications.

use aws_sdk_codedeploy::operation::create_application::CreateApplicationOutput;
use aws_sdk_codedeploy::types::ComputePlatform as SdkPlatform;
use serde_json::Value;

use super::pages::Pages;
use super::{Api, ApiError, call, raw};
use crate::model::ComputePlatform;

impl Api {
    /// CreateApplication; gives its answer.
    pub async fn create_application(
        &self,
        name: &str,
        platform: &ComputePlatform,
    ) -> Result<Value, ApiError> {
        let request = self
            .codedeploy
            .create_application()
            .application_name(name)
            .compute_platform(SdkPlatform::from(platform.as_str()));
        let (_, answer) = call!("CreateApplication", request)?;
        Ok(raw::readable(answer.json(), |de| CreateApplicationOutput::deserialize(de)))
    }

    /// GetApplication, for no more than whether it is there.
    pub async fn check_application(&self, name: &str) -> Result<(), ApiError> {
        call!("GetApplication", self.codedeploy.get_application().application_name(name)).map(|_| ())
    }

    /// ListApplications, all pages.
    pub async fn application_names(&self) -> Result<Vec<String>, ApiError> {
        let mut names = Vec::new();
        let mut pages = Pages::of("ListApplications");
        loop {
            let (page, _) =
                call!("ListApplications", self.codedeploy.list_applications().set_next_token(pages.token()))?;
            names.extend_from_slice(page.applications());
            if !pages.turn(page.next_token())? {
                return Ok(names);
            }
        }
    }
}
