//! Names of the GitHub accounts that somebody connected. The API lists and forgets them; connecting is the console's.

use aws_sdk_codedeploy::operation::delete_git_hub_account_token::{
    DeleteGitHubAccountTokenInput, DeleteGitHubAccountTokenOutput,
};
use aws_sdk_codedeploy::operation::list_git_hub_account_token_names::{
    ListGitHubAccountTokenNamesInput, ListGitHubAccountTokenNamesOutput,
};

use super::page::page;
use super::{Call, Refusal};
use crate::sandbox::store::Fact;

/// SANDBOX: what a token may be called is not known.
const MAX_NAME: usize = 256;

pub fn list(
    call: &mut Call<'_>,
    input: ListGitHubAccountTokenNamesInput,
) -> Result<ListGitHubAccountTokenNamesOutput, Refusal> {
    let names = call.region.git_hub_tokens.keys().cloned();
    let page = page(call, &input, input.next_token(), names, String::clone)?;
    Ok(ListGitHubAccountTokenNamesOutput::builder()
        .set_token_name_list(Some(page.items))
        .set_next_token(page.next)
        .build())
}

pub fn delete(
    call: &mut Call<'_>,
    input: DeleteGitHubAccountTokenInput,
) -> Result<DeleteGitHubAccountTokenOutput, Refusal> {
    let Some(name) = input.token_name().filter(|name| !name.is_empty()) else {
        let message = "GitHub account token name is missing";
        return Err(Refusal::new("GitHubAccountTokenNameRequiredException", message));
    };
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let message = "GitHub account token name is not valid";
        return Err(Refusal::new("InvalidGitHubAccountTokenNameException", message));
    }
    if call.region.git_hub_tokens.remove(name).is_none() {
        let message = format!("No GitHub account token found for name: {name}");
        return Err(Refusal::new("GitHubAccountTokenDoesNotExistException", message));
    }
    call.region.git_hub_disconnected.insert(name.to_owned(), Fact);
    Ok(DeleteGitHubAccountTokenOutput::builder().token_name(name).build())
}
