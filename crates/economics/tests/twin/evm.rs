//! The committed bytecode in an EVM of its own, with puppets in place of the contracts that a formula does not need.

use alloy::primitives::{Address, B256, Bytes, Log, TxKind, U256};
use alloy::sol_types::{SolCall, SolConstructor, SolEvent, SolValue};
use caduceus_contracts::{AccessManager, catalog};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

/// Random cases of each formula.
pub const CASES: usize = 100_000;

/// Who calls, where it does not matter.
pub const SOMEBODY: Address = Address::repeat_byte(0x5b);

/// When the tests begin, in unix seconds.
pub const START: u64 = 1_800_000_000;

/// An EVM and its clock.
pub struct Evm {
    evm: MainnetEvm<revm::handler::MainnetContext<InMemoryDB>>,
}

impl Evm {
    pub fn new() -> Self {
        let evm = Context::mainnet()
            .with_db(InMemoryDB::default())
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
                cfg.disable_nonce_check = true;
                // Puppets call too, as the contracts that they stand for would.
                cfg.disable_eip3607 = true;
            })
            .build_mainnet();
        let mut made = Self { evm };
        made.set_time(START);
        made
    }

    pub fn now(&self) -> u64 {
        self.evm.ctx.block.timestamp.to()
    }

    pub fn set_time(&mut self, seconds: u64) {
        self.evm.ctx.block.timestamp = U256::from(seconds);
    }

    /// The nonce with which the next contract is created.
    pub fn nonce(&self) -> u64 {
        let accounts = &self.evm.ctx.journaled_state.database.cache.accounts;
        accounts.get(&SOMEBODY).map_or(0, |account| account.info.nonce)
    }

    /// Creates a contract of the protocol.
    pub fn create(&mut self, name: &str, constructor: &impl SolConstructor) -> Address {
        self.create_raw(name, constructor.abi_encode())
    }

    /// Creates a module behind its proxy.
    pub fn module(&mut self, name: &str, constructor: &[u8], initialize: &impl SolCall) -> Address {
        let implementation = self.create_raw(name, constructor.to_vec());
        let arguments = (implementation, Bytes::from(initialize.abi_encode())).abi_encode_params();
        self.create_raw("ERC1967Proxy", arguments)
    }

    fn create_raw(&mut self, name: &str, arguments: Vec<u8>) -> Address {
        let code = &catalog::contract(name).unwrap().bytecode;
        let data = [code.as_ref(), &arguments].concat();
        let tx = transaction(SOMEBODY, TxKind::Create, data, self.nonce());
        match self.evm.transact_commit(tx).unwrap() {
            ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => address,
            other => panic!("{name} was not created: {other:?}"),
        }
    }

    /// A contract that answers every call; with 1, until it is told what to answer.
    pub fn puppet(&mut self, number: u8) -> Address {
        // Beyond the precompiled contracts, which have the first addresses.
        let at = Address::repeat_byte(0xa0 + number);
        let code = puppet_code();
        let info = AccountInfo {
            code: Some(revm::bytecode::Bytecode::new_raw(code)),
            ..Default::default()
        };
        self.evm.ctx.journaled_state.database.insert_account_info(at, info);
        // What an access manager is asked: yes, at once.
        self.answers::<AccessManager::canCallCall>(at, &[U256::from(1), U256::ZERO]);
        at
    }

    /// What a puppet answers to a call.
    pub fn answers<C: SolCall>(&mut self, puppet: Address, words: &[U256]) {
        let selector = U256::from_be_slice(&C::SELECTOR);
        self.store(puppet, selector, U256::from(words.len()));
        for (index, word) in (1..).zip(words) {
            self.store(puppet, (selector << 32) + U256::from(index), *word);
        }
    }

    /// Writes a contract's storage.
    pub fn store(&mut self, at: Address, slot: U256, value: U256) {
        let database = &mut self.evm.ctx.journaled_state.database;
        database.insert_account_storage(at, slot, value).unwrap();
    }

    /// Asks; `None` where the contract refuses.
    pub fn ask<C: SolCall>(&mut self, to: Address, call: &C) -> Option<C::Return> {
        let tx = transaction(SOMEBODY, TxKind::Call(to), call.abi_encode(), 0);
        match self.evm.transact(tx).unwrap().result {
            ExecutionResult::Success { output, .. } => {
                Some(C::abi_decode_returns(output.data()).unwrap())
            }
            _ => None,
        }
    }

    /// What a call that must be refused says.
    pub fn refusal<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Bytes {
        let tx = transaction(from, TxKind::Call(to), call.abi_encode(), 0);
        match self.evm.transact(tx).unwrap().result {
            ExecutionResult::Revert { output, .. } => output,
            other => panic!("it went through: {other:?}"),
        }
    }

    /// Sends, and gives the logs; `None` where the contract refuses.
    pub fn send<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Option<Vec<Log>> {
        let nonce = self.evm.ctx.journaled_state.database.cache.accounts.get(&from);
        let nonce = nonce.map_or(0, |account| account.info.nonce);
        let tx = transaction(from, TxKind::Call(to), call.abi_encode(), nonce);
        match self.evm.transact_commit(tx).unwrap() {
            ExecutionResult::Success { logs, .. } => Some(logs),
            _ => None,
        }
    }

    /// Sends what must go through.
    pub fn must<C: SolCall>(&mut self, from: Address, to: Address, call: &C) -> Vec<Log> {
        self.send(from, to, call).unwrap_or_else(|| {
            let said = self.refusal(from, to, call);
            panic!("{} was refused: {:?}", C::SIGNATURE, caduceus_contracts::explain(&said))
        })
    }
}

/// Code that answers every call with the words that are stored for its selector, `sload(selector)` of them from
/// `(selector << 32) + 1` on, or with 1 where there are none.
fn puppet_code() -> Bytes {
    let code: Vec<u8> = [
        // sel n
        &[0x5f, 0x35, 0x60, 0xe0, 0x1c, 0x80, 0x54][..],
        // where there are none: one word
        &[0x80, 0x15, 0x60, 0x33, 0x57],
        // n base i
        &[0x90, 0x60, 0x20, 0x1b, 0x5f],
        // 0x11: loop while i < n
        &[0x5b, 0x82, 0x81, 0x10, 0x15, 0x60, 0x2b, 0x57],
        // mstore(32 i, sload(base + i + 1)), i + 1
        &[0x80, 0x60, 0x01, 0x01, 0x82, 0x01, 0x54, 0x81, 0x60, 0x05, 0x1b, 0x52],
        &[0x60, 0x01, 0x01, 0x60, 0x11, 0x56],
        // 0x2b, done: return(0, 32 n)
        &[0x5b, 0x50, 0x50, 0x60, 0x05, 0x1b, 0x5f, 0xf3],
        // 0x33, one: return a word of 1
        &[0x5b, 0x60, 0x01, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3],
    ]
    .concat();
    code.into()
}

fn transaction(from: Address, kind: TxKind, data: Vec<u8>, nonce: u64) -> TxEnv {
    let builder = TxEnv::builder().caller(from).kind(kind).data(data.into()).nonce(nonce);
    builder.gas_price(0).gas_limit(30_000_000).value(U256::ZERO).build().unwrap()
}

/// An amount that the ledger answers, where the types of this crate hold it: 128 bits, more than there is of any token.
/// `None` also where the contract refuses.
pub fn held(there: Option<U256>) -> Option<U256> {
    there.filter(|amount| *amount <= U256::from(u128::MAX))
}

/// The first event `E` among logs.
pub fn event<E: SolEvent>(logs: &[Log]) -> E {
    logs.iter().find_map(|log| E::decode_log_data(&log.data).ok()).unwrap()
}

/// Seeded randomness, apart for each formula.
pub fn dice(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A number of at most `bits` bits: often at an edge, and of any size.
pub fn number(dice: &mut ChaCha8Rng, bits: usize) -> U256 {
    let most = U256::MAX >> (256 - bits);
    match dice.random_range(0..16_u32) {
        0 => U256::ZERO,
        1 => U256::from(1),
        2 => most,
        3 => most - U256::from(dice.random_range(0..3_u64)),
        4 => U256::from(1) << dice.random_range(0..bits),
        5 => (U256::from(1) << dice.random_range(1..=bits - 1)) - U256::from(1),
        _ => {
            let limbs: [u64; 4] = dice.random();
            (U256::from_limbs(limbs) & most) >> dice.random_range(0..bits)
        }
    }
}

/// A number from 0 to `most`, often at an edge.
pub fn up_to(dice: &mut ChaCha8Rng, most: u64) -> u64 {
    match dice.random_range(0..8_u32) {
        0 => 0,
        1 => most,
        2 => most.min(1),
        _ => dice.random_range(0..=most),
    }
}

/// As [`number`], in 64 bits.
pub fn small(dice: &mut ChaCha8Rng, bits: usize) -> u64 {
    number(dice, bits).to()
}

/// As [`number`], in 128 bits.
pub fn wide(dice: &mut ChaCha8Rng, bits: usize) -> u128 {
    number(dice, bits).to()
}

/// The place of a namespace (ERC-7201).
pub fn namespace(name: &str) -> U256 {
    let inner = U256::from_be_bytes(alloy::primitives::keccak256(name).0) - U256::from(1);
    let outer = alloy::primitives::keccak256(B256::from(inner));
    U256::from_be_bytes(outer.0) & !U256::from(0xff)
}

/// The place of a mapping's value.
pub fn mapped(slot: U256, key: U256) -> U256 {
    let words = [B256::from(key), B256::from(slot)].concat();
    U256::from_be_bytes(alloy::primitives::keccak256(words).0)
}

/// No permit: the allowance was given before.
macro_rules! no_permit {
    ($contract:ident) => {
        caduceus_contracts::$contract::Permit {
            value: alloy::primitives::U256::ZERO,
            deadline: alloy::primitives::U256::ZERO,
            v: 0,
            r: alloy::primitives::B256::ZERO,
            s: alloy::primitives::B256::ZERO,
        }
    };
}
pub(crate) use no_permit;

/// A proof that a puppet takes.
macro_rules! proof {
    ($contract:ident, $issued:expr) => {
        caduceus_contracts::$contract::Proof {
            attestation: caduceus_contracts::$contract::Attestation {
                kind: alloy::primitives::B256::ZERO,
                subject: alloy::primitives::B256::ZERO,
                payloadHash: alloy::primitives::B256::ZERO,
                issuedAt: $issued,
                expiresAt: u64::MAX,
                nonce: alloy::primitives::B256::ZERO,
            },
            signers: Vec::new(),
            signatures: Vec::new(),
        }
    };
}
pub(crate) use proof;
