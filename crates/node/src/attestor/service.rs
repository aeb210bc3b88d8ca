//! An attestor as a process of its own: its own key, its own view of the ledger, no home.
//!
//! It takes a request, checks the custodian's signature and standing by its own view, unpacks the dataset into a vault of
//! its own that is removed afterwards, counts everything again, and signs, or says why not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alloy::hex;
use alloy::primitives::{Address, B256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolStruct;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use caduceus_identity::keystore::Cost;
use caduceus_identity::{EncryptionKey, KeyKind, Keyring, Sealed, SecretKey, Seed};
use caduceus_ledger::Ledger;
use caduceus_ledger::deployment::Addresses;
use caduceus_vault::{MasterKey, Vault, VaultConfig};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

use super::examine::{self, Facts, Found, Sealed as SealedCase, Sight};
use super::wire::{self, Answer, INFO, Identity, Manifest, Request, introduction};
use super::{ATTESTORS, Claim, DOMAIN, eas};
use crate::accreditation::{Registry, Wanted};
use crate::credentials::Sources;
use crate::custodian::{self, Evidence, Publication};
use crate::error::{NodeError, Result};
use crate::keystore::{self, Password};
use crate::listen;
use crate::node::{Node, domain_of};
use crate::party::{Party, Role};

/// The most bytes of one request: the rows of a dataset, in hex.
const BODY_LIMIT: usize = 512 << 20;

/// How an attestor sees the ledger.
#[derive(Clone, Debug)]
pub struct View {
    /// The ledger's RPC.
    pub rpc: String,
    /// Where the contracts are.
    pub at: Addresses,
}

/// What an attestor asks of custodians.
#[derive(Clone, Debug, Default)]
pub struct Practice {
    /// Sign for those too who show no accreditation, on the word of the ledger's registrar.
    pub without_credential: bool,
    /// What an accreditation is checked with.
    pub sources: Sources,
    /// The adapter for which it attests in the Ethereum Attestation Service in place of signing.
    pub adapter: Option<Address>,
}

struct Service {
    name: String,
    signer: PrivateKeySigner,
    reader: EncryptionKey,
    view: View,
    practice: Practice,
    /// Connected at the first request, so that an attestor can be there before the ledger is.
    seen: OnceCell<Sight>,
}

/// An attestor that listens.
pub struct Serving {
    listener: TcpListener,
    service: Arc<Service>,
}

/// Seals the key of one of the attestors that a development home plays into a file of its own, for a process of its own.
pub fn hand_over(
    node: &Node,
    number: usize,
    file: &Path,
    password: &Password,
    cost: Cost,
) -> Result<Address> {
    if !(1..=ATTESTORS).contains(&number) {
        return Err(NodeError::Usage(format!(
            "there are attestors 1 to {ATTESTORS}, not {number}"
        )));
    }
    let signer = node.key(&format!("attestor/{number}"));
    let key = SecretKey::from_bytes(KeyKind::Secp256k1, &signer.to_bytes().0)
        .map_err(NodeError::malformed)?;
    keystore::write(&key, file, password, cost)?;
    Ok(signer.address())
}

/// Begins to listen on 127.0.0.1 as the attestor whose `key` it is; port 0 takes a free one.
pub async fn serve(
    name: &str,
    key: &SecretKey,
    port: u16,
    view: View,
    practice: Practice,
) -> Result<Serving> {
    let signer = key.account().ok_or_else(|| {
        NodeError::Usage(
            "an attestor signs with a secp256k1 key, and this is an Ed25519 key".into(),
        )
    })?;
    let reader = Keyring::new(Seed::new(*key.expose())).encryption_key("attestor");
    let listener = listen::on(port).await?;
    let name = name.to_owned();
    let service = Service { name, signer, reader, view, practice, seen: OnceCell::new() };
    Ok(Serving { listener, service: Arc::new(service) })
}

impl Serving {
    /// The attestor's account.
    pub fn address(&self) -> Address {
        self.service.account()
    }

    /// The URL that custodians use.
    pub fn url(&self) -> Result<String> {
        listen::url(&self.listener)
    }

    /// Answers until `stop` is done.
    pub async fn until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let routes = Router::new()
            .route("/identity", get(identity))
            .route("/attest", post(attest))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(self.service);
        let serving = axum::serve(self.listener, routes).with_graceful_shutdown(stop).await;
        serving.map_err(|error| NodeError::Chain(format!("the attestor stopped: {error}")))
    }
}

async fn identity(
    State(service): State<Arc<Service>>,
) -> std::result::Result<Json<Identity>, (StatusCode, Json<Answer>)> {
    let unseen = |why| (StatusCode::SERVICE_UNAVAILABLE, Json(Answer::Refused(why)));
    let seen = service.seen().await.map_err(unseen)?;
    let reader = B256::from(*service.reader.public().as_bytes());
    let text = introduction(seen.chain_id, service.view.at.attestation_oracle, reader);
    let signature = service.signer.sign_message_sync(text.as_bytes());
    let signature = signature.expect("a key in memory signs any message");
    Ok(Json(Identity {
        name: service.name.clone(),
        address: service.account(),
        reader,
        signature: hex::encode(signature.as_bytes()),
    }))
}

async fn attest(State(service): State<Arc<Service>>, body: Bytes) -> (StatusCode, Json<Answer>) {
    match service.answer(&body).await {
        Ok(signatures) => (StatusCode::OK, Json(Answer::Signed(signatures))),
        Err(why) => (StatusCode::UNPROCESSABLE_ENTITY, Json(Answer::Refused(why))),
    }
}

impl Service {
    /// The account that the oracle counts.
    fn account(&self) -> Address {
        self.practice.adapter.unwrap_or(self.signer.address())
    }

    async fn seen(&self) -> std::result::Result<&Sight, String> {
        let connect = || async {
            let ledger = Ledger::remote(&self.view.rpc).await.map_err(|error| error.to_string())?;
            let (provider, chain_id) = (ledger.provider(), ledger.chain_id());
            Ok::<_, String>(Sight { provider, chain_id, at: self.view.at.clone() })
        };
        self.seen.get_or_try_init(connect).await
    }

    async fn answer(&self, body: &[u8]) -> std::result::Result<Vec<String>, String> {
        let sealed = Sealed::from_bytes(body).map_err(|error| error.to_string())?;
        let text = self.reader.open(INFO, self.account().as_slice(), &sealed);
        let text = text.map_err(|_| "the request is not sealed to this attestor".to_owned())?;
        let request: Request = serde_json::from_slice(&text)
            .map_err(|_| "the request is none that this version knows".to_owned())?;
        let sight = self.seen().await?;
        let manifest = examine::signed(sight, &request)?;
        let now = examine::standing(sight, &manifest).await?;
        self.accredited(sight, &manifest, now).await?;
        let statements = manifest.statements.clone();
        match examine::look(sight, &manifest, &self.practice.sources, now).await? {
            Found::Claims(claims) => examine::agree(&manifest, &claims)?,
            Found::Sealed(facts) => {
                let looked =
                    tokio::task::spawn_blocking(move || opened(&request, &manifest, &facts));
                looked.await.map_err(|_| "the examination failed inside".to_owned())??;
            }
        }
        let domain = domain_of(sight.chain_id, DOMAIN, sight.at.attestation_oracle);
        let mut words = Vec::new();
        for attestation in statements.iter().map(wire::Statement::attestation) {
            let digest = attestation.eip712_signing_hash(&domain);
            words.push(self.word(sight, digest, attestation.expiresAt).await?);
        }
        Ok(words)
    }

    /// Its word for a statement that ends at `ends`, in hex: a signature, or the uid of an attestation.
    async fn word(
        &self,
        sight: &Sight,
        digest: B256,
        ends: u64,
    ) -> std::result::Result<String, String> {
        if let Some(adapter) = self.practice.adapter {
            let uid = eas::attest(sight, &self.signer, adapter, digest, ends).await?;
            return Ok(hex::encode(uid));
        }
        let signature = self.signer.sign_hash_sync(&digest);
        Ok(hex::encode(signature.expect("a key in memory signs any hash").as_bytes()))
    }

    /// Whether the custodian's accreditation holds now: by its proof, its issuer's standing on the ledger, and its issuer's
    /// own lists of what was taken back.
    async fn accredited(
        &self,
        sight: &Sight,
        manifest: &Manifest,
        now: u64,
    ) -> std::result::Result<(), String> {
        let Some(presentation) = &manifest.accreditation else {
            return match self.practice.without_credential {
                true => Ok(()),
                false => Err("the custodian shows no accreditation".into()),
            };
        };
        let registry = Registry {
            provider: &sight.provider,
            chain_id: sight.chain_id,
            address: sight.at.participant_registry,
            time: now,
        };
        let wanted = Wanted::accreditation(manifest.custodian, Role::Custodian, manifest.country)
            .map_err(|error| error.to_string())?;
        let found = registry.examine(presentation, wanted, &self.practice.sources).await;
        found.map(drop).map_err(|error| format!("the custodian's accreditation: {error}"))
    }
}

/// Opens the dataset in a vault of its own, counts everything again, and compares the statements with what was found.
fn opened(
    request: &Request,
    manifest: &Manifest,
    facts: &Facts,
) -> std::result::Result<(), String> {
    let inside = |error: NodeError| error.to_string();
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let publication = manifest.publication.as_ref().ok_or("no sealed dataset is named")?;
    let vault = unpack(folder.path(), request, manifest, publication)?;
    let cid = custodian::cid(&publication.cid).map_err(inside)?;
    vault.verify(&cid).map_err(|error| error.to_string())?;
    let summary = custodian::summary(&vault, publication).map_err(inside)?;
    let party = Party {
        name: manifest.name.clone(),
        role: Role::Custodian,
        country: manifest.country,
        address: manifest.custodian,
    };
    let evidence = Evidence { custodian: &party, vault: &vault, summary: &summary };
    let sealed = SealedCase { evidence: &evidence, publication };
    let found: Vec<Claim> = examine::of_sealed(&sealed, &manifest.about, facts)?;
    examine::agree(manifest, &found)
}

/// A vault in `folder` that holds what was handed over, once its hashes are those of the manifest.
fn unpack(
    folder: &Path,
    request: &Request,
    manifest: &Manifest,
    publication: &Publication,
) -> std::result::Result<Vault, String> {
    let words = |error: caduceus_vault::VaultError| error.to_string();
    let config = VaultConfig {
        custodian: manifest.name.clone(),
        jurisdiction: manifest.country.to_string(),
    };
    let master = crate::home::random::<32>().map_err(|error| error.to_string())?;
    let vault = Vault::create(folder, &config, MasterKey::new(master), &mut custodian::entropy)
        .map_err(words)?;
    let disclosure = request.disclosure.as_ref().ok_or("no sealed dataset was handed over")?;
    if disclosure.cid() != publication.cid {
        return Err("the dataset is not the one in the manifest".into());
    }
    let cid = vault.receive(disclosure, &mut custodian::entropy).map_err(words)?;
    vault.set_consents(&manifest.receipts, &mut custodian::entropy).map_err(words)?;
    let facts = vault.facts(&cid).map_err(words)?;
    let same = publication.content_hash.0 == facts.content_hash
        && publication.table_commitment.0 == facts.table_commitment;
    if same { Ok(vault) } else { Err("the hashes of the sealed data are others".into()) }
}

/// The view that a file has which `caduceus ledger contracts --json` wrote.
pub fn view(rpc: &str, contracts: &PathBuf) -> Result<View> {
    let text =
        std::fs::read(contracts).map_err(|error| NodeError::file("read", contracts, error))?;
    let at: Addresses = serde_json::from_slice(&text).map_err(|error| NodeError::Damaged {
        path: contracts.clone(),
        what: format!(
            "it does not say where every contract is ({error}); write it with `caduceus ledger contracts --json`"
        ),
    })?;
    Ok(View { rpc: rpc.to_owned(), at })
}
