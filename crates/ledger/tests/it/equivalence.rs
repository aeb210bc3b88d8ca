//! The ledger against a plain EVM in memory, on random sequences of transactions.

use alloy::consensus::Transaction;
use alloy::eips::BlockId;
use alloy::primitives::{Address, Bytes, TxKind, U256, bytes};
use caduceus_ledger::{Chain, Config, Mining};
use proptest::prelude::*;
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext};

use crate::support::{COUNTER, Tx, account, ask, check_whole, config};

/// Writes the second word of its input into the slot that the first one names.
const SLOTS: Bytes = bytes!("60078060095f395ff36020355f355500");
/// Gives all it has to its caller and, where that is still possible, ceases to exist.
const LEAVER: Bytes = bytes!("60028060095f395ff333ff");
/// Ceases to exist while it is being created.
const NEVER: Bytes = bytes!("33ff");

#[derive(Clone, Debug)]
enum Step {
    Transfer {
        from: u8,
        to: u8,
        wei: u64,
    },
    Create {
        from: u8,
        code: u8,
        wei: u64,
    },
    /// Calls one of the contracts that the account has created.
    Call {
        from: u8,
        which: u8,
        slot: u8,
        value: u8,
        wei: u64,
        gas: u64,
    },
    Mine,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3u8, 0..6u8, 0..1000u64).prop_map(|(from, to, wei)| Step::Transfer { from, to, wei }),
        2 => (0..3u8, 0..4u8, 0..100u64).prop_map(|(from, code, wei)| Step::Create { from, code, wei }),
        6 => (0..3u8, 0..4u8, 0..3u8, 0..3u8, 0..2u64, 24_000..90_000u64).prop_map(
            |(from, which, slot, value, wei, gas)| Step::Call { from, which, slot, value, wei, gas }
        ),
        3 => Just(Step::Mine),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// Sends what the step says, if it sends anything, and returns the account that a creation makes.
fn transaction(step: &Step, nonces: &[u64; 3], made: &[Vec<Address>; 3]) -> Option<(u8, Tx)> {
    let word = |byte: u8| U256::from(byte).to_be_bytes::<32>();
    let (from, tx) = match *step {
        Step::Transfer { from, to, wei } => {
            let to = if to < 4 { account(to).address() } else { Address::repeat_byte(0xa0 + to) };
            (from, Tx { to: TxKind::Call(to), value: U256::from(wei), ..Tx::default() })
        }
        Step::Create { from, code, wei } => {
            let data = [COUNTER, SLOTS, LEAVER, NEVER][usize::from(code)].clone();
            (from, Tx { to: TxKind::Create, data, value: U256::from(wei), ..Tx::default() })
        }
        Step::Call { from, which, slot, value, wei, gas } => {
            let made = &made[usize::from(from)];
            let to = *made.get(usize::from(which) % made.len().max(1))?;
            let data = [word(slot), word(value)].concat().into();
            let value = U256::from(wei);
            (from, Tx { to: TxKind::Call(to), data, value, gas, ..Tx::default() })
        }
        Step::Mine | Step::Reopen => return None,
    };
    Some((from, Tx { nonce: nonces[usize::from(from)], tip: u128::from(from), ..tx }))
}

/// Runs the newest block of the chain in the plain EVM, and compares what both say.
fn replay(chain: &Chain, plain: &mut CacheDB<EmptyDB>) {
    let block = chain.block(BlockId::latest()).unwrap().unwrap();
    let receipts = ask(chain, "eth_getBlockReceipts", serde_json::json!(["latest"])).unwrap();
    let env = BlockEnv {
        number: U256::from(block.header.number),
        beneficiary: block.header.beneficiary,
        timestamp: U256::from(block.header.timestamp),
        gas_limit: block.header.gas_limit,
        basefee: block.header.base_fee_per_gas.unwrap(),
        prevrandao: Some(block.header.mix_hash),
        ..BlockEnv::default()
    };
    for (index, tx) in block.transactions.iter().enumerate() {
        let env_tx = TxEnv {
            tx_type: 2,
            caller: tx.signer(),
            gas_limit: tx.inner().gas_limit(),
            gas_price: tx.inner().max_fee_per_gas(),
            gas_priority_fee: tx.inner().max_priority_fee_per_gas(),
            kind: tx.inner().kind(),
            value: tx.inner().value(),
            data: tx.inner().input().clone(),
            nonce: tx.inner().nonce(),
            chain_id: Some(31337),
            ..TxEnv::default()
        };
        let mut cfg = CfgEnv::new_with_spec(SpecId::PRAGUE);
        cfg.chain_id = 31337;
        let mut evm = Context::mainnet()
            .with_db(&mut *plain)
            .with_block(env.clone())
            .with_cfg(cfg)
            .build_mainnet();
        let result = evm.transact_commit(env_tx).unwrap();
        let receipt = &receipts[index];
        assert_eq!(receipt["gasUsed"], format!("{:#x}", result.tx_gas_used()));
        assert_eq!(receipt["status"], if result.is_success() { "0x1" } else { "0x0" });
        let logs = if result.is_success() { result.logs().len() } else { 0 };
        assert_eq!(receipt["logs"].as_array().unwrap().len(), logs);
    }
}

fn compare_state(chain: &Chain, plain: &CacheDB<EmptyDB>, known: &[Address]) {
    for address in known {
        let ours = chain.account(*address, BlockId::latest()).unwrap();
        let theirs = plain.basic_ref(*address).unwrap().filter(|info| !info.is_empty());
        assert_eq!(
            ours.map(|a| (a.nonce, a.balance)),
            theirs.as_ref().map(|i| (i.nonce, i.balance))
        );
        let code = theirs.map(|info| plain.code_by_hash_ref(info.code_hash).unwrap());
        let code = code.map(|code| code.original_bytes()).unwrap_or_default();
        assert_eq!(chain.code(*address, BlockId::latest()).unwrap(), code);
        for slot in 0..3 {
            let slot = U256::from(slot);
            let ours = chain.storage(*address, slot, BlockId::latest()).unwrap();
            assert_eq!(ours, plain.storage_ref(*address, slot).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_gives_the_state_and_receipts_of_a_plain_evm(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.redb");
        let open = || Chain::open(&path, Config { mining: Mining::Manual, ..config() }).unwrap();
        let mut plain = CacheDB::new(EmptyDB::new());
        for (address, balance) in config().funded {
            plain.insert_account_info(address, AccountInfo::from_balance(balance));
        }
        let mut known: Vec<Address> = (0..4).map(|n| account(n).address()).collect();
        known.extend([Address::ZERO, Address::repeat_byte(0xa4), Address::repeat_byte(0xa5)]);
        let (mut nonces, mut made) = ([0; 3], [const { Vec::new() }; 3]);
        let mut chain = open();
        for step in steps.into_iter().chain([Step::Mine, Step::Reopen]) {
            if let Some((from, tx)) = transaction(&step, &nonces, &made) {
                let signer = account(from);
                if tx.to.is_create() {
                    let address = signer.address().create(tx.nonce);
                    made[usize::from(from)].push(address);
                    known.push(address);
                }
                chain.submit(&tx.raw(&signer)).unwrap();
                nonces[usize::from(from)] += 1;
            }
            if matches!(step, Step::Mine | Step::Reopen) {
                chain.mine().unwrap();
                replay(&chain, &mut plain);
                compare_state(&chain, &plain, &known);
            }
            if matches!(step, Step::Reopen) {
                drop(chain);
                chain = open();
                compare_state(&chain, &plain, &known);
            }
        }
        check_whole(&chain);
    }
}
