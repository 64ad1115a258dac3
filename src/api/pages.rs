//! Pages of a list, one after the other.

use super::ApiError;

/// Where a list is read on.
pub struct Pages {
    operation: &'static str,
    token: Option<String>,
}

impl Pages {
    pub fn of(operation: &'static str) -> Self {
        Pages { operation, token: None }
    }

    /// The token of the page to ask for.
    pub fn token(&self) -> Option<String> {
        self.token.clone()
    }

    /// Turns to the page behind `next`; `false` where there is none.
    ///
    /// # Errors
    /// The answer names its own page as the next one: the list would never end.
    pub fn turn(&mut self, next: Option<&str>) -> Result<bool, ApiError> {
        let next = next.filter(|next| !next.is_empty());
        if next.is_some() && next == self.token.as_deref() {
            return Err(ApiError::unexpected(self.operation, "leads back to its own page"));
        }
        self.token = next.map(str::to_owned);
        Ok(self.token.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_leads_back_to_itself_is_an_error() {
        let mut pages = Pages::of("ListApplications");
        assert_eq!(pages.turn(Some("a")), Ok(true));
        assert_eq!(pages.token().as_deref(), Some("a"));
        assert_eq!(pages.turn(Some("b")), Ok(true));
        assert!(pages.turn(Some("b")).is_err());
        assert_eq!(pages.turn(None), Ok(false));
        assert_eq!(pages.turn(Some("")), Ok(false));
    }
}
