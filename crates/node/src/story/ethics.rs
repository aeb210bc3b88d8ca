//! The story's ethics committee: an issuer that the ledger trusts, and the approval that the researcher presents.

use caduceus_identity::credential::{Draft, Kind, Signer, issue, present};
use caduceus_identity::{KeyKind, SecretKey};
use caduceus_policy::{Purpose, Safeguards};
use serde_json::json;

use super::{COMMITTEE, GOOD};
use crate::accreditation::{self, Wanted};
use crate::error::{NodeError, Result};
use crate::issuers::{self, Trust};
use crate::node::Node;
use crate::party::{self, NewParty, Role};

/// Where the story keeps what the researcher presents.
const APPROVAL: &str = "story/approval";
const DAY: i64 = 24 * 3_600;

/// The researcher's presentation of an approval by the committee.
pub(super) async fn approval(node: &Node) -> Result<String> {
    if let Some(made) = node.home.recall(APPROVAL)? {
        return Ok(made);
    }
    let committee = key(node, COMMITTEE)?;
    let country = "JP".parse().expect("two capital letters");
    let new = NewParty {
        name: COMMITTEE.into(),
        role: Role::Issuer,
        country,
        accredited: true,
        safeguards: Safeguards::NONE,
    };
    let did = committee.did().to_string();
    let trust = Trust { did, kinds: vec![Kind::EthicsApproval], anywhere: false };
    issuers::register(node, &new, &trust).await?;

    let researcher = party::find(node, Role::Researcher, GOOD)?;
    let holder = key(node, GOOD)?;
    let now = i64::try_from(node.now().await?).unwrap_or(i64::MAX).max(crate::credentials::now());
    let subject = json!({
        "id": holder.did().to_string(),
        "committee": "Ethics committee of the story",
        "protocol": "Blood pressure in two countries",
        "country": "JP",
        "purposes": [Purpose::HealthResearch.to_string()],
    });
    let draft = Draft {
        kind: Kind::EthicsApproval,
        id: None,
        subject: subject.as_object().cloned().unwrap_or_default(),
        valid_from: now,
        valid_until: Some(now + 365 * DAY),
        status: Vec::new(),
    };
    let credential =
        issue(&draft, &Signer::new(&committee, None), now).map_err(NodeError::malformed)?;
    let wanted = Wanted { account: researcher.address, kind: Kind::EthicsApproval, country: None };
    let audience = accreditation::audience_of(node, wanted);
    let shown = present(&[credential], &audience, &Signer::new(&holder, None), now);
    let shown = shown.map_err(NodeError::malformed)?.to_string();
    node.home.record(APPROVAL, &shown)?;
    Ok(shown)
}

fn key(node: &Node, name: &str) -> Result<SecretKey> {
    let bytes = node.keyring().secret("story", name);
    SecretKey::from_bytes(KeyKind::Ed25519, &bytes).map_err(NodeError::malformed)
}
