//! Whom to write to about a dataset.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An organization that can be reached, by electronic mail or by a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    name: String,
    email: Option<String>,
    url: Option<String>,
}

/// Why nobody can be reached so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// There is no name.
    #[error("a contact needs the name of the organization")]
    Name,
    /// There is neither an address nor a page.
    #[error("a contact needs an e-mail address or the URL of a page")]
    Nowhere,
    /// The address is none.
    #[error("the e-mail address must be written like data@hospital.example")]
    Email,
    /// The URL is none.
    #[error("the URL must be written like https://hospital.example/data")]
    Url,
}

impl Contact {
    /// A contact with an address, a page, or both; spaces around them do not count.
    ///
    /// # Errors
    /// [`ContactError`] where something is missing or is not written as what it is.
    pub fn new(
        name: &str,
        email: Option<&str>,
        url: Option<&str>,
    ) -> Result<Contact, ContactError> {
        let own = |text: Option<&str>| text.map(|text| text.trim().to_owned());
        let contact = Contact { name: name.trim().to_owned(), email: own(email), url: own(url) };
        match () {
            () if contact.name.is_empty() => Err(ContactError::Name),
            () if contact.email.is_none() && contact.url.is_none() => Err(ContactError::Nowhere),
            () if !contact.email.as_deref().is_none_or(is_email) => Err(ContactError::Email),
            () if !contact.url.as_deref().is_none_or(is_url) => Err(ContactError::Url),
            () => Ok(contact),
        }
    }

    /// The name of the organization.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The contact as a vCard: the profile wants an IRI for the address and for the page (`vcard:hasEmail`,
    /// `vcard:hasURL`), at least one of them.
    pub(super) fn card(&self) -> Value {
        let mut card = card_of(&self.name);
        if let Some(email) = &self.email {
            card["vcard:hasEmail"] = json!({ "@id": format!("mailto:{email}") });
        }
        if let Some(url) = &self.url {
            card["vcard:hasURL"] = json!({ "@id": url });
        }
        card
    }

    /// The organization as one that can be reached.
    pub(super) fn agent(&self) -> Value {
        json!({ "@type": "foaf:Agent", "foaf:name": self.name, "dcat:contactPoint": self.card() })
    }
}

/// A vCard of an organization of which no more than the name is known.
pub(super) fn card_of(name: &str) -> Value {
    json!({ "@type": ["vcard:Kind", "vcard:Organization"], "vcard:fn": name })
}

/// Whether every character may stand in an IRI as it is (RFC 3986, 2; no escapes).
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c))
}

fn is_email(text: &str) -> bool {
    let separate = |c: char| matches!(c, '@' | '?' | '&' | '#' | '%' | ',' | ';' | ':');
    is_plain(text)
        && text.split_once('@').is_some_and(|(local, domain)| {
            [local, domain].iter().all(|part| !part.is_empty() && !part.contains(separate))
        })
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    is_plain(text) && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_contact_can_be_written_to_or_is_none() {
        for (email, url, wrong) in [
            (Some("data@hospital.example"), None, None),
            (None, Some("https://hospital.example/data?x=1"), None),
            (Some(" data@hospital.example "), Some("http://h"), None),
            (None, None, Some(ContactError::Nowhere)),
            (Some("data"), None, Some(ContactError::Email)),
            (Some("@hospital.example"), None, Some(ContactError::Email)),
            (Some("a@b@c"), None, Some(ContactError::Email)),
            (Some("a@b?cc=x"), None, Some(ContactError::Email)),
            (Some("<a@b>"), None, Some(ContactError::Email)),
            (None, Some("hospital.example"), Some(ContactError::Url)),
            (None, Some("https://"), Some(ContactError::Url)),
            (None, Some("javascript:alert(1)"), Some(ContactError::Url)),
            (None, Some("https://a b"), Some(ContactError::Url)),
        ] {
            assert_eq!(Contact::new("Hospital", email, url).err(), wrong, "{email:?} {url:?}");
        }
        assert_eq!(Contact::new(" ", Some("a@b"), None), Err(ContactError::Name));
    }
}
