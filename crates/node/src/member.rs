//! Patients who joined the cooperative: they sign, a relay carries what they signed and pays the gas.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use caduceus_contracts::ConsentRegistry::{ConsentGranted, Grant};
use caduceus_contracts::MembershipToken::{JoinRequest, MemberJoined};
use caduceus_contracts::{ConsentRegistry, MembershipToken, recast, typed};
use caduceus_identity::Did;
use caduceus_identity::credential::Kind;
use caduceus_policy::consent::RegionSet;
use caduceus_policy::{DataClass, Purpose, Region};
use serde::{Deserialize, Serialize};

use crate::approvals;
use crate::attestor::{Case, Claim, Introduced, Panel, Subject};
use crate::custodian;
use crate::error::{NodeError, Result};
use crate::home::Home;
use crate::node::{Node, event};
use crate::party::{self, Party, Role};

/// How long a consent lasts unless its member says otherwise.
const CONSENT_DAYS: u64 = 365;
/// What is told to whoever names the zero address as the researcher.
pub(crate) const NOBODY: &str = "the zero address is no researcher's account, and on the ledger it stands for every researcher; \
     name the researcher's own account";

/// A member of this home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The name that commands use: the custodian's, a slash and a number.
    pub name: String,
    /// The custodian that holds the member's records.
    pub custodian: String,
    /// The member's account.
    pub address: Address,
    /// The identifier that stands for the person on the ledger.
    pub person: B256,
}

impl Member {
    pub(crate) fn signer(&self, node: &Node) -> PrivateKeySigner {
        node.key(&format!("member/{}", self.name))
    }
}

/// What a member agrees to.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The kinds of data.
    pub classes: Vec<DataClass>,
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// The one researcher who may ask; every one in good standing if left out.
    pub grantee: Option<Address>,
    /// The regions of the rules from which it may be used; every place if there are none.
    pub regions: Vec<Region>,
    /// The first moment at which it does not count any more, in seconds since 1970; a year from today if left out.
    pub until: Option<u64>,
}

impl Default for Terms {
    /// Clinical data for health research and public health, by any researcher in good standing, anywhere that the law allows.
    fn default() -> Terms {
        Terms {
            classes: vec![DataClass::Clinical],
            purposes: vec![
                Purpose::GeneralResearch,
                Purpose::HealthResearch,
                Purpose::PublicHealth,
            ],
            grantee: None,
            regions: Vec::new(),
            until: None,
        }
    }
}

/// The identifier of the person behind a pseudonym. A pseudonym is a keyed hash that only its vault can make, so this
/// tells nobody else who it is.
pub(crate) fn person_id(pseudonym: &str) -> B256 {
    keccak256([b"caduceus person ", pseudonym.as_bytes()].concat())
}

/// The members of this home, in the order in which they joined.
pub fn members(node: &Node) -> Result<Vec<Member>> {
    of_home(&node.home)
}

pub(crate) fn of_home(home: &Home) -> Result<Vec<Member>> {
    Ok(home.recall("members")?.unwrap_or_default())
}

/// The member of this name.
pub fn find(node: &Node, name: &str) -> Result<Member> {
    let all = members(node)?;
    match all.iter().find(|member| member.name == name) {
        Some(member) => Ok(member.clone()),
        None => {
            Err(NodeError::unknown("member", name, all.iter().map(|member| member.name.as_str())))
        }
    }
}

/// The member of this name, who may have left.
pub fn find_anyone(node: &Node, name: &str) -> Result<Member> {
    match left(node)?.into_iter().find(|member| member.name == name) {
        Some(member) => Ok(member),
        None => find(node, name),
    }
}

/// Lets somebody who left join again, with the same account and name. Nothing is agreed to by that; it opens the way to
/// what they earned before.
pub async fn rejoin(node: &Node, member: &Member) -> Result<()> {
    admit(node, member.clone(), &Panel::of(node)?, None).await?;
    let mut gone = left(node)?;
    gone.retain(|known| known != member);
    node.home.record("members-left", &gone)
}

/// Brings the number of members among a custodian's patients to `count`, and gives them all.
///
/// Attestors check with the vault that each is one of its patients before they confirm the person to the ledger.
pub async fn join(node: &Node, custodian: &str, count: usize) -> Result<Vec<Member>> {
    bring_in(node, custodian, count, &Panel::of(node)?, None).await
}

/// Lets the next patient join who shows a presentation of who they are. Attestors examine it, and the custodian's log has its
/// hash.
pub async fn join_with(
    node: &Node,
    custodian: &str,
    presentation: &str,
    panel: &Panel,
) -> Result<Vec<Member>> {
    let here = of_custodian(members(node)?, custodian).len();
    bring_in(node, custodian, here + 1, panel, Some(presentation)).await
}

/// The name that a custodian's next member gets.
pub(crate) fn next_name(node: &Node, custodian: &str) -> Result<String> {
    let ever =
        of_custodian(members(node)?, custodian).len() + of_custodian(left(node)?, custodian).len();
    Ok(format!("{custodian}/{}", ever + 1))
}

async fn bring_in(
    node: &Node,
    custodian: &str,
    count: usize,
    panel: &Panel,
    credential: Option<&str>,
) -> Result<Vec<Member>> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let here = of_custodian(members(node)?, &custodian.name);
    let patients = custodian::consenting_patients(node, &custodian)?;
    let people: Vec<B256> = patients.iter().map(|pseudonym| person_id(pseudonym)).collect();
    let mut outside =
        people.into_iter().filter(|person| here.iter().all(|member| member.person != *person));
    for joined in here.len()..count {
        let Some(person) = outside.next() else {
            let what = format!(
                "{} has {joined} patients who consented, fewer than {count}",
                custodian.name
            );
            return Err(NodeError::not_ready(
                what,
                "ask for fewer members, or ingest more records",
            ));
        };
        let name = next_name(node, &custodian.name)?;
        let address = node.key(&format!("member/{name}")).address();
        let member = Member { name, custodian: custodian.name.clone(), address, person };
        admit(node, member, panel, credential).await?;
        node.report.progress("members join", joined as u64 + 1, Some(count as u64));
    }
    Ok(of_custodian(members(node)?, &custodian.name))
}

fn of_custodian(mut members: Vec<Member>, custodian: &str) -> Vec<Member> {
    members.retain(|member| member.custodian == custodian);
    members
}

/// Who was a member and left. Their names and accounts are not given to anybody else.
fn left(node: &Node) -> Result<Vec<Member>> {
    Ok(node.home.recall("members-left")?.unwrap_or_default())
}

async fn admit(node: &Node, member: Member, panel: &Panel, credential: Option<&str>) -> Result<()> {
    let token = MembershipToken::new(node.at.membership_token, &node.provider);
    if token.memberOf(member.person).call().await? != member.address {
        let did = Did::Account { chain_id: node.chain_id(), address: member.address };
        let did_hash = did.document().keccak256();
        let deadline = node.deadline().await?;
        let nonce = token.nonces(member.address).call().await?;
        let statement = typed::Join {
            member: member.address,
            personId: member.person,
            didHash: did_hash,
            nonce,
            deadline,
        };
        let signature = node.sign(
            &member.signer(node),
            "Caduceus MembershipToken",
            node.at.membership_token,
            &statement,
        );
        let custodian = party::find(node, Role::Custodian, &member.custodian)?;
        let about = Subject::Person(Introduced {
            member: member.address,
            person: member.person,
            did_hash,
            consent: custodian::consent_leaf(node, &custodian, member.person).await?,
            credential: credential.map(str::to_owned),
        });
        let case = Case { custodian: &custodian, about, sealed: None };
        let claim = Claim::identity(member.address, member.person, did_hash);
        let proof = panel.attest_one(node, &case, claim).await?;
        if let Some(shown) = credential {
            let details = approvals::details(Kind::PatientIdentity, shown);
            approvals::note(node, &custodian, &member.person.to_string(), &details).await?;
        }
        custodian::note_attested(node, &custodian, "IDENTITY", &proof).await?;
        let request = JoinRequest {
            member: member.address,
            personId: member.person,
            didHash: did_hash,
            deadline,
        };
        let call = MembershipToken::joinCall {
            request,
            signature: signature.into(),
            proof: recast(&proof),
        };
        let relay = node.key(crate::genesis::RELAY);
        let key = format!("join/{}/{nonce}", member.address);
        let receipt =
            node.send("member joins", &key, &relay, node.at.membership_token, &call).await?;
        event::<MemberJoined>(&receipt)
            .ok_or_else(|| NodeError::Chain("joining left no event".into()))?;
    }
    let mut all = members(node)?;
    if !all.contains(&member) {
        all.push(member);
        node.home.record("members", &all)?;
    }
    Ok(())
}

/// Records a member's consent on the ledger, by the member's signature. Gives the grant's number.
pub async fn grant(node: &Node, member: &Member, terms: &Terms) -> Result<U256> {
    if terms.grantee == Some(Address::ZERO) {
        return Err(NodeError::Usage(NOBODY.into()));
    }
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let now = node.now().await?;
    let ends = terms.until.unwrap_or_else(|| in_days(now, CONSENT_DAYS));
    if ends <= now {
        return Err(NodeError::Usage(
            "the consent would have ended already; name a later end".into(),
        ));
    }
    let places = regions(node, &terms.regions)?;
    give(node, member, on_ledger(terms, &custodian, places, ends)).await
}

/// The first second of the day that comes so many days after that of `now`, in UTC.
pub(crate) fn in_days(now: u64, days: u64) -> u64 {
    const DAY: u64 = 24 * 3_600;
    (now / DAY + days) * DAY
}

/// Regions as the ledger has them. A country is not taken for the region that it is in: that would permit more.
fn regions(node: &Node, named: &[Region]) -> Result<RegionSet> {
    if named.is_empty() {
        return Ok(RegionSet::anywhere());
    }
    RegionSet::of(node.rules, named).ok_or_else(|| {
        let known: BTreeSet<String> =
            node.rules.countries().map(|(_, region)| region.to_string()).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        NodeError::Usage(format!("not all of these are regions of the rules; they know {known}"))
    })
}

/// As [`grant`], with terms as the ledger has them.
pub(crate) async fn give(node: &Node, member: &Member, terms: Grant) -> Result<U256> {
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let grants = registry.grantsOf(member.address, terms.custodian).call().await?;
    let deadline = node.deadline().await?;
    let nonce = registry.nonces(member.address).call().await?;
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    if let Some(same) = grants.into_iter().find(|grant| grant.terms == terms) {
        let log = custodian::log_since(node, &custodian, |_| true)?;
        let refused = custodian::refused_until(&log).get(&member.person).copied();
        let counts = match refused {
            Some(until) => custodian::granted_after(node, member.address, &custodian, until)
                .await?
                .contains(&same.id),
            None => true,
        };
        if counts {
            custodian::note_ledger(node, &custodian).await?;
            return Ok(same.id);
        }
    }
    let statement = typed::Grant {
        member: member.address,
        custodian: terms.custodian,
        grantee: terms.grantee,
        classes: terms.classes,
        purposes: terms.purposes,
        jurisdictions: terms.jurisdictions,
        expiry: terms.expiry,
        documentHash: terms.documentHash,
        nonce,
        deadline,
    };
    let signature = node.sign(
        &member.signer(node),
        "Caduceus ConsentRegistry",
        node.at.consent_registry,
        &statement,
    );
    let call = ConsentRegistry::grantForCall {
        member: member.address,
        terms,
        deadline,
        signature: signature.into(),
    };
    let relay = node.key(crate::genesis::RELAY);
    let key = format!("grant/{}/{nonce}", member.address);
    let receipt =
        node.send("consent granted", &key, &relay, node.at.consent_registry, &call).await?;
    let granted = event::<ConsentGranted>(&receipt)
        .ok_or_else(|| NodeError::Chain("consent left no event".into()))?;
    custodian::note_ledger(node, &custodian).await?;
    Ok(granted.grantId)
}

fn on_ledger(terms: &Terms, custodian: &Party, places: RegionSet, expiry: u64) -> Grant {
    let bitmap = |bits: &mut dyn Iterator<Item = u8>| {
        bits.fold(U256::ZERO, |all, bit| all | (U256::ONE << bit))
    };
    let classes = bitmap(&mut terms.classes.iter().map(|class| class.number()));
    let purposes = bitmap(&mut terms.purposes.iter().map(|purpose| purpose.number()));
    let jurisdictions = U256::from_be_bytes(places.to_be_bytes());
    let grant = Grant {
        custodian: custodian.address,
        grantee: terms.grantee.unwrap_or_default(),
        classes,
        purposes,
        jurisdictions,
        expiry,
        documentHash: B256::ZERO,
    };
    Grant { documentHash: document_of(&grant), ..grant }
}

/// The hash of what a member sees of a grant that no other document says.
pub(crate) fn document_of(grant: &Grant) -> B256 {
    let Grant { custodian, grantee, classes, purposes, jurisdictions, expiry, .. } = grant;
    let who = match grantee.is_zero() {
        true => "any researcher".to_owned(),
        false => grantee.to_string(),
    };
    let document = format!(
        "custodian {custodian}; {who}; classes {classes}; purposes {purposes}; places {jurisdictions}; until {expiry}"
    );
    keccak256(document.as_bytes())
}

/// Withdraws every consent that a member gave to the custodian of their records, by the member's signature.
///
/// No pause stops it, and it counts from the next answer on. Gives how many grants ended.
pub async fn revoke(node: &Node, member: &Member) -> Result<usize> {
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let live = registry.grantsOf(member.address, custodian.address).call().await?.len();
    if live > 0 {
        revoke_on_ledger(node, member, &custodian).await?;
    }
    custodian::note_revocation(node, &custodian, member.person, false).await?;
    Ok(live)
}

async fn revoke_on_ledger(node: &Node, member: &Member, custodian: &Party) -> Result<()> {
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let deadline = node.deadline().await?;
    let nonce = registry.nonces(member.address).call().await?;
    let statement =
        typed::RevokeAll { member: member.address, custodian: custodian.address, nonce, deadline };
    let signature = node.sign(
        &member.signer(node),
        "Caduceus ConsentRegistry",
        node.at.consent_registry,
        &statement,
    );
    let call = ConsentRegistry::revokeAllBySigCall {
        member: member.address,
        custodian: custodian.address,
        deadline,
        signature: signature.into(),
    };
    let relay = node.key(crate::genesis::RELAY);
    let key = format!("revoke/{}/{nonce}", member.address);
    node.send("consent revoked", &key, &relay, node.at.consent_registry, &call).await?;
    Ok(())
}

/// Ends a membership by the member's signature, after withdrawing what they agreed to: who leaves is out of the next
/// answer. What they have earned stays theirs to claim once they join again; claim before leaving to have it at once.
pub async fn leave(node: &Node, member: &Member) -> Result<()> {
    revoke(node, member).await?;
    let token = MembershipToken::new(node.at.membership_token, &node.provider);
    if token.memberOf(member.person).call().await? == member.address {
        let deadline = node.deadline().await?;
        let nonce = token.nonces(member.address).call().await?;
        let statement = typed::Resign { member: member.address, nonce, deadline };
        let to = node.at.membership_token;
        let signature = node.sign(&member.signer(node), "Caduceus MembershipToken", to, &statement);
        let call = MembershipToken::resignBySigCall {
            member: member.address,
            deadline,
            signature: signature.into(),
        };
        let relay = node.key(crate::genesis::RELAY);
        node.send(
            "member leaves",
            &format!("resign/{}/{nonce}", member.address),
            &relay,
            to,
            &call,
        )
        .await?;
    }
    let (mut here, mut gone) = (members(node)?, left(node)?);
    here.retain(|known| known != member);
    if !gone.contains(member) {
        gone.push(member.clone());
    }
    node.home.record("members-left", &gone)?;
    node.home.record("members", &here)
}
