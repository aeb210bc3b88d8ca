// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Dues} from "../common/Dues.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Permit} from "../common/Payments.sol";
import {ArbitrationTerms, Rulings} from "../interfaces/IArbitrated.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Accusation, Bond, BondTerms, IResearcherBonds} from "../interfaces/IResearcherBonds.sol";
import {Arbitrated} from "./Arbitrated.sol";

/// @title ResearcherBonds
/// @notice The stake that researchers put up for ethical use, slashed when an accusation is upheld.
contract ResearcherBonds is IResearcherBonds, Arbitrated, Dues {
    /// @notice The contracts that the bonds work with, and the treasury.
    struct Peers {
        IERC20 usdc;
        IParticipantRegistry registry;
        address licenceMarket;
        address computeMarket;
        address treasury;
    }

    /// @custom:storage-location erc7201:caduceus.storage.ResearcherBonds
    struct ResearcherBondsStorage {
        mapping(address researcher => Bond) bonds;
        mapping(uint256 accusationId => Accusation) accusations;
        uint256 accusationCount;
        BondTerms terms;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ResearcherBonds")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;
    uint16 private constant GREATEST_ACCUSER_BPS = 5_000;
    uint64 private constant LEAST_NOTICE = 1 hours;
    uint64 private constant GREATEST_NOTICE = 90 days;

    IParticipantRegistry public immutable REGISTRY;
    address public immutable LICENCE_MARKET;
    address public immutable COMPUTE_MARKET;
    address public immutable TREASURY;

    constructor(Peers memory peers) Dues(peers.usdc) {
        REGISTRY = peers.registry;
        LICENCE_MARKET = peers.licenceMarket;
        COMPUTE_MARKET = peers.computeMarket;
        TREASURY = peers.treasury;
    }

    /// @notice Sets the first parameters; once, by the proxy's constructor.
    function initialize(address authority, ArbitrationTerms calldata arbitration, BondTerms calldata terms)
        external
        initializer
    {
        __AccessManaged_init(authority);
        _setArbitration(arbitration);
        _setBondTerms(terms);
    }

    // ---------------------------------------------------------------- the researcher

    /// @inheritdoc IResearcherBonds
    function deposit(uint96 amount, Permit calldata permit) external nonReentrant {
        if (amount == 0) revert MarketErrors.ResearcherBonds_NoAmount();
        Bond storage b = _storage().bonds[msg.sender];
        b.amount += amount;
        b.leavesAt = 0;
        emit BondDeposited(msg.sender, amount);
        _take(msg.sender, amount, permit);
    }

    /// @inheritdoc IResearcherBonds
    function announceWithdrawal() external {
        Bond storage b = _storage().bonds[msg.sender];
        if (b.leavesAt != 0) revert MarketErrors.ResearcherBonds_Leaving(msg.sender, b.leavesAt);
        uint64 end = uint64(block.timestamp);
        if (b.engagedUntil > end) end = b.engagedUntil;
        b.leavesAt = end + _storage().terms.notice;
        emit BondLeaving(msg.sender, b.leavesAt);
    }

    /// @inheritdoc IResearcherBonds
    function withdraw() external nonReentrant {
        Bond storage b = _storage().bonds[msg.sender];
        uint96 amount = b.amount;
        if (amount == 0) revert MarketErrors.ResearcherBonds_NoAmount();
        if (b.leavesAt == 0 || block.timestamp < b.leavesAt) {
            revert MarketErrors.ResearcherBonds_NotLeaving(msg.sender, b.leavesAt);
        }
        if (b.frozen != 0) revert MarketErrors.ResearcherBonds_Accused(msg.sender, b.frozen);
        delete _storage().bonds[msg.sender];
        emit BondWithdrawn(msg.sender, amount);
        _pay(msg.sender, amount);
    }

    // ---------------------------------------------------------------- accusations

    /// @inheritdoc IResearcherBonds
    function accuse(address researcher, uint96 amount, string calldata evidence)
        external
        payable
        nonReentrant
        returns (uint256 accusationId)
    {
        ResearcherBondsStorage storage $ = _storage();
        Bond storage b = $.bonds[researcher];
        if (!REGISTRY.isVerified(msg.sender)) revert MarketErrors.ResearcherBonds_NotVerified(msg.sender);
        if (amount == 0) revert MarketErrors.ResearcherBonds_NoAmount();
        uint96 free = b.amount - b.frozen;
        if (amount > free) revert MarketErrors.ResearcherBonds_BelowAmount(researcher, free, amount);
        if (b.leavesAt != 0 && block.timestamp >= b.leavesAt) {
            revert MarketErrors.ResearcherBonds_Leaving(researcher, b.leavesAt);
        }

        b.frozen += amount;
        accusationId = ++$.accusationCount;
        $.accusations[accusationId] = Accusation(researcher, amount, msg.sender);
        emit Accused(accusationId, researcher, msg.sender, amount);
        _raise(accusationId, evidence);
    }

    // ---------------------------------------------------------------- the markets

    /// @inheritdoc IResearcherBonds
    function engage(address researcher, uint64 until) external {
        if (msg.sender != LICENCE_MARKET && msg.sender != COMPUTE_MARKET) {
            revert MarketErrors.ResearcherBonds_NotMarket(msg.sender);
        }
        Bond storage b = _storage().bonds[researcher];
        uint96 minimum = _storage().terms.minimum;
        uint96 free = b.amount - b.frozen;
        if (free < minimum) revert MarketErrors.ResearcherBonds_BelowAmount(researcher, free, minimum);
        if (b.leavesAt != 0) revert MarketErrors.ResearcherBonds_Leaving(researcher, b.leavesAt);
        if (until <= b.engagedUntil) return;
        b.engagedUntil = until;
        emit BondEngaged(researcher, until);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IResearcherBonds
    function setBondTerms(BondTerms calldata terms) external restricted {
        _setBondTerms(terms);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IResearcherBonds
    function bondOf(address researcher) external view returns (Bond memory) {
        return _storage().bonds[researcher];
    }

    /// @inheritdoc IResearcherBonds
    function accusation(uint256 accusationId) external view returns (Accusation memory) {
        return _storage().accusations[accusationId];
    }

    /// @inheritdoc IResearcherBonds
    function accusationCount() external view returns (uint256) {
        return _storage().accusationCount;
    }

    /// @inheritdoc IResearcherBonds
    function bondTerms() external view returns (BondTerms memory) {
        return _storage().terms;
    }

    // ---------------------------------------------------------------- internal

    /// @dev In doubt nothing is slashed: refused and unruled accusations only free what they froze.
    function _ruled(uint256 accusationId, uint256 ruling) internal override {
        ResearcherBondsStorage storage $ = _storage();
        Accusation memory a = $.accusations[accusationId];
        Bond storage b = $.bonds[a.researcher];
        bool upheld = ruling == Rulings.FOR_CLAIMANT;

        delete $.accusations[accusationId];
        b.frozen -= a.amount;
        emit AccusationClosed(accusationId, upheld);
        if (!upheld) return;

        b.amount -= a.amount;
        uint256 toAccuser = uint256(a.amount) * $.terms.accuserBps / BPS;
        emit BondSlashed(a.researcher, toAccuser, a.amount - toAccuser);
        _pay(a.accuser, toAccuser);
        _pay(TREASURY, a.amount - toAccuser);
    }

    function _isSide(uint256 accusationId, address account) internal view override returns (bool) {
        Accusation storage a = _storage().accusations[accusationId];
        return account == a.accuser || account == a.researcher;
    }

    function _setBondTerms(BondTerms calldata terms) private {
        if (terms.notice < LEAST_NOTICE || terms.notice > GREATEST_NOTICE) {
            revert MarketErrors.ResearcherBonds_BadTerms("notice");
        }
        if (terms.accuserBps > GREATEST_ACCUSER_BPS) {
            revert MarketErrors.ResearcherBonds_BadTerms("accuserBps");
        }
        _storage().terms = terms;
        emit BondTermsSet(terms);
    }

    function _storage() private pure returns (ResearcherBondsStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
