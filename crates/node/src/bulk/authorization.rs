//! SMART backend services: a signed statement of who asks, in exchange for an access token (SMART App Launch 2.0,
//! backend services; RFC 7523).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use super::{BulkError, encrypted, refused};
use crate::error::{NodeError, Result};

/// How long a statement may be used; five minutes is the most that the standard allows.
const STATEMENT_LIVES: u64 = 240;
/// A token is renewed so long before it ends.
const MARGIN: Duration = Duration::from_secs(30);

/// Who asks.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name under which the server knows the client.
    pub client_id: String,
    /// The private key, PEM: RSA signs by RS384, P-384 by ES384.
    pub key: PathBuf,
    /// The name of the key in the client's key set, if it has one there.
    pub key_id: Option<String>,
    /// Where tokens are given.
    pub token_url: String,
    /// What the token is to be good for.
    pub scope: String,
}

/// A statement's content.
#[derive(Serialize)]
struct Claims<'c> {
    iss: &'c str,
    sub: &'c str,
    aud: &'c str,
    exp: u64,
    jti: String,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Access tokens, one after the other.
pub(super) struct Tokens {
    credentials: Credentials,
    header: Header,
    key: EncodingKey,
    current: Option<(String, Instant)>,
}

impl Tokens {
    pub(super) fn new(credentials: Credentials) -> Result<Tokens> {
        encrypted(&credentials.token_url)?;
        let (algorithm, key) = read_key(&credentials.key)?;
        let mut header = Header::new(algorithm);
        header.kid = credentials.key_id.clone();
        Ok(Tokens { credentials, header, key, current: None })
    }

    /// A server did not take the token: the next is a new one.
    pub(super) fn forget(&mut self) {
        self.current = None;
    }

    /// A token that is good for now.
    pub(super) async fn current(&mut self, client: &Client) -> Result<String> {
        if let Some((token, ends)) = &self.current
            && Instant::now() + MARGIN < *ends
        {
            return Ok(token.clone());
        }
        let answer = self.exchange(client).await?;
        let lives = Duration::from_secs(answer.expires_in.unwrap_or(300));
        // A token that lives shorter than the margin is used once.
        self.current = Some((answer.access_token.clone(), Instant::now() + lives));
        Ok(answer.access_token)
    }

    async fn exchange(&self, client: &Client) -> Result<Answer> {
        const WHAT: &str = "an access token";
        let url = &self.credentials.token_url;
        let statement = self.statement()?;
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", &self.credentials.scope)
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", &statement)
            .finish();
        let response = client
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|source| BulkError::Network { url: url.clone(), source })?;
        if !response.status().is_success() {
            return Err(refused(WHAT, response).await);
        }
        let bytes = response
            .bytes()
            .await
            .map_err(|source| BulkError::Network { url: url.clone(), source })?;
        serde_json::from_slice(&bytes)
            .map_err(|_| BulkError::Protocol { what: WHAT, wrong: "has none" }.into())
    }

    fn statement(&self) -> Result<String> {
        let mut once = [0; 16];
        getrandom::fill(&mut once).map_err(|error| {
            NodeError::Usage(format!("the system gives no random numbers: {error}"))
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            iss: &self.credentials.client_id,
            sub: &self.credentials.client_id,
            aud: &self.credentials.token_url,
            exp: now + STATEMENT_LIVES,
            jti: once.iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        jsonwebtoken::encode(&self.header, &claims, &self.key)
            .map_err(|error| bad_key(&self.credentials.key, &error))
    }
}

fn read_key(path: &Path) -> Result<(Algorithm, EncodingKey)> {
    let pem = fs::read(path).map_err(|source| NodeError::file("read", path, source))?;
    if let Ok(key) = EncodingKey::from_ec_pem(&pem) {
        return Ok((Algorithm::ES384, key));
    }
    let key = EncodingKey::from_rsa_pem(&pem).map_err(|error| bad_key(path, &error))?;
    Ok((Algorithm::RS384, key))
}

fn bad_key(path: &Path, error: &jsonwebtoken::errors::Error) -> NodeError {
    BulkError::Key { path: path.to_owned(), why: error.to_string() }.into()
}
