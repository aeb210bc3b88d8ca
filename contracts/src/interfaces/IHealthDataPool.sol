// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What a dataset is worth, each part in basis points (10,000 is the neutral value).
struct Value {
    uint16 completeness;
    uint16 freshness;
    uint16 rarity;
    uint16 reputation;
}

/// @notice A dataset in the pool.
struct Deposit {
    /// the custodian who deposited it, zero when it is not in the pool
    address depositor;
    /// jobs that have not come to their end
    uint32 openJobs;
    /// whether its withdrawal was announced
    bool announced;
    /// what the deposit minted and the withdrawal burns, 1e18 units
    uint256 shares;
}

/// @title IHealthDataPool
/// @notice Holds the datasets, and shares the pool's yield among those who hold its shares.
/// @dev Shares of a deposit = persons x 1e18 x completeness x freshness x rarity x reputation / 10,000^4, rounded down.
/// Yield goes to effective shares (`IProviderBoost`): those of an account count 0.4 to 1, by what it stakes. It is kept by
/// an accumulator in units of 1e-36 x 1e-6 USDC per 1e-18 effective share. What a division leaves over is carried
/// to the next, and what a claim leaves over stays with its account, so that nothing is ever lost to rounding:
/// sum of all accounts + carry = USDC received - USDC paid, to the unit.
/// WARNING: a withdrawal burns as many shares as the deposit minted, from the depositor. Who gave shares away must get as
/// many back before the dataset can leave.
interface IHealthDataPool {
    /// @notice A dataset came in.
    event Deposited(uint256 indexed datasetId, address indexed depositor, uint256 shares, Value value);
    /// @notice A dataset is about to leave: no job can be opened on it from now on.
    event WithdrawalAnnounced(uint256 indexed datasetId, address indexed depositor);
    /// @notice A dataset left.
    event Withdrawn(uint256 indexed datasetId, address indexed depositor, uint256 shares);
    /// @notice Yield came in, 1e6 USDC units.
    event YieldAdded(uint256 amount);
    /// @notice Yield was paid out, 1e6 USDC units.
    event RewardsClaimed(address indexed provider, uint256 amount);
    /// @notice Governance set the bounds of each part of a score, basis points.
    event ScoreBoundsSet(uint16 floor, uint16 cap);
    /// @notice Governance set the contract that lends datasets.
    event LendingSet(address lending);
    /// @notice Governance set how old an attested value may be, seconds.
    event MaximumValueAgeSet(uint64 maximumAge);

    /// @notice Locks the caller's dataset and mints shares to the caller. The dataset's custodian in good standing only.
    /// @dev Attestation: kind VALUE, subject bytes32(datasetId), payload
    /// keccak256(abi.encode(datasetId, completeness, freshness, rarity, reputation)), not older than the governed age.
    /// Needs no approval: the dataset token moves a dataset into the pool on its custodian's own call.
    /// Reverts when deposits are paused, when a part is out of bounds, when it would mint nothing, and as the oracle does.
    /// @return shares minted, 1e18 units, rounded down
    function deposit(uint256 datasetId, Value calldata value, Proof calldata proof)
        external
        returns (uint256 shares);

    /// @notice Says that the dataset will leave. Depositor only, never paused, not taken back. From now on no licence is
    /// sold and no job opened on it; those that are open end by their deadlines.
    function announceWithdrawal(uint256 datasetId) external;

    /// @notice Burns the deposit's shares and returns the dataset to its depositor. Depositor only, never paused. Reverts
    /// when it was not announced, while jobs are open, or when the depositor holds fewer shares. Earned yield stays
    /// claimable.
    function withdraw(uint256 datasetId) external;

    /// @notice Pays a provider's yield to the provider, in USDC rounded down; the fraction stays theirs. Anyone may call,
    /// never paused. Reverts when there is less than one unit.
    /// @return amount paid, 1e6 USDC units
    function claimRewards(address provider) external returns (uint256 amount);

    /// @notice Settles the yield of two accounts whose balances changed, by what was effective until now, and counts their
    /// effective shares anew; zero addresses are passed over. The share token only, after each change.
    function settle(address from, address to) external;

    /// @notice Settles an account's yield and counts its effective shares anew, after its stake changed or others' did.
    /// Anyone may call, never paused.
    function refresh(address account) external;

    /// @notice Adds yield that the splitter has transferred already, 1e6 USDC units. The splitter only. While nobody holds
    /// a share it waits, and goes to the next deposit.
    function notifyYield(uint256 amount) external;

    /// @notice Counts a job or a loan on a live dataset. The compute market and lending only; reverts when the dataset is
    /// not live.
    function jobOpened(uint256 datasetId) external;

    /// @notice Counts the end of a job or a loan. The compute market and lending only.
    function jobClosed(uint256 datasetId) external;

    /// @notice Sets the contract that lends datasets; its loans count as jobs, so that a dataset leaves after them.
    /// Governance only, once: loans of another one could not be closed any more.
    function setLending(address lending) external;

    /// @notice The contract that lends datasets; zero when there is none.
    function lending() external view returns (address);

    /// @notice Sets the bounds of each part of a score, basis points. Governance only.
    function setScoreBounds(uint16 floor, uint16 cap) external;

    /// @notice Sets how old an attested value may be when it is used, seconds, at least one hour. Governance only.
    function setMaximumValueAge(uint64 maximumAge) external;

    /// @notice The account's shares that earn yield, 1e18 units, as of when they were counted last.
    function effectiveOf(address account) external view returns (uint256);

    /// @notice All shares that earn yield, 1e18 units.
    function totalEffective() external view returns (uint256);

    /// @notice What a provider can claim now, 1e6 USDC units, rounded down.
    function claimable(address provider) external view returns (uint256);

    /// @notice Whether the dataset is in the pool and not about to leave.
    function isLive(uint256 datasetId) external view returns (bool);

    /// @notice The deposit; all zero when the dataset is not in the pool.
    function depositOf(uint256 datasetId) external view returns (Deposit memory);

    /// @notice USDC that came in as yield and was not paid out, 1e6 units. The pool always holds at least this much.
    function owed() external view returns (uint256);

    /// @notice The bounds of each part of a score, basis points.
    function scoreBounds() external view returns (uint16 floor, uint16 cap);

    /// @notice How old an attested value may be, seconds.
    function maximumValueAge() external view returns (uint64);
}
