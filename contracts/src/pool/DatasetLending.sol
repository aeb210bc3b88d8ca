// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Permit} from "../common/Payments.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {Borrowing, IDatasetLending, LendingTerms, Loan, LoanStates} from "../interfaces/IDatasetLending.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";
import {Seller} from "../market/Seller.sol";

/// @title DatasetLending
/// @notice Use of a dataset for a term against collateral.
contract DatasetLending is IDatasetLending, Seller {
    /// @custom:storage-location erc7201:caduceus.storage.DatasetLending
    struct DatasetLendingStorage {
        mapping(uint256 loanId => Loan) loans;
        uint256 loanCount;
        LendingTerms terms;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.DatasetLending")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;
    uint32 private constant GREATEST_BPS = 100_000;
    uint16 private constant GREATEST_SEIZURE_BPS = 500;
    uint64 private constant LEAST_TERM = 1 days;
    uint64 private constant GREATEST_TERM = 90 days;
    uint64 private constant GRACE = 7 days;
    uint64 private constant MARGIN_WINDOW = 3 days;

    IHealthDataPool public immutable POOL;
    IAttestationOracle public immutable ATTESTATIONS;

    constructor(
        IERC20 usdc,
        ILicenceMarket market,
        address splitter,
        IHealthDataPool pool,
        IAttestationOracle attestations
    ) Seller(usdc, market, splitter) {
        POOL = pool;
        ATTESTATIONS = attestations;
    }

    /// @notice Sets the first terms; once, by the proxy's constructor.
    function initialize(address authority, LendingTerms calldata terms) external initializer {
        __AccessManaged_init(authority);
        _setLendingTerms(terms);
    }

    // ---------------------------------------------------------------- the borrower

    /// @inheritdoc IDatasetLending
    function borrow(Borrowing calldata b, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 loanId)
    {
        DatasetLendingStorage storage $ = _storage();
        if (b.term < LEAST_TERM || b.term > GREATEST_TERM) {
            revert MarketErrors.DatasetLending_BadTerm(b.term);
        }
        (uint256 least, uint256 fee) = quote(b.datasetId, b.term);
        if (b.collateral < least) revert MarketErrors.DatasetLending_TooLittle(b.collateral, least);
        if (fee > b.maxFee) revert MarketErrors.DatasetLending_FeeAboveMaximum(fee, b.maxFee);

        loanId = ++$.loanCount;
        uint64 dueAt = uint64(block.timestamp) + b.term;
        uint256 passId = MARKET.issue(msg.sender, b.purpose, dueAt, b.uses, _one(b.datasetId));
        $.loans[loanId] = Loan({
            borrower: msg.sender,
            state: LoanStates.OPEN,
            dueAt: dueAt,
            collateral: b.collateral,
            marginDeadline: 0,
            datasetId: b.datasetId,
            passId: passId
        });
        emit Borrowed(loanId, b.datasetId, msg.sender, passId, dueAt, b.collateral, fee);
        POOL.jobOpened(b.datasetId);
        _take(msg.sender, b.collateral + fee, permit);
        _earn(fee, b.datasetId);
    }

    /// @inheritdoc IDatasetLending
    function topUp(uint256 loanId, uint96 amount, Permit calldata permit) external nonReentrant {
        Loan storage l = _open(loanId);
        l.collateral += amount;
        emit ToppedUp(loanId, amount);
        if (l.marginDeadline != 0 && !_isBelowMargin(l)) l.marginDeadline = 0;
        _take(msg.sender, amount, permit);
    }

    /// @inheritdoc IDatasetLending
    function giveBack(uint256 loanId, bytes32 deletionHash, Proof calldata proof) external nonReentrant {
        Loan storage l = _open(loanId);
        uint96 collateral = l.collateral;
        uint256 datasetId = l.datasetId;
        _close(l, LoanStates.RETURNED);
        emit Returned(loanId, deletionHash, collateral);

        bytes32 payload = keccak256(abi.encode(address(this), loanId, datasetId, deletionHash));
        ATTESTATIONS.consume(proof, Kinds.DELETION, bytes32(loanId), payload);
        _pay(l.borrower, collateral);
    }

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IDatasetLending
    function callMargin(uint256 loanId) external {
        Loan storage l = _open(loanId);
        bool stands = l.marginDeadline != 0 && block.timestamp <= l.marginDeadline + MARGIN_WINDOW;
        if (stands || !_isBelowMargin(l)) {
            revert MarketErrors.DatasetLending_NoMarginCall(loanId);
        }
        l.marginDeadline = uint64(block.timestamp) + MARGIN_WINDOW;
        emit MarginCalled(loanId, l.marginDeadline);
    }

    /// @inheritdoc IDatasetLending
    function seize(uint256 loanId) external nonReentrant {
        Loan storage l = _open(loanId);
        bool overdue = block.timestamp > l.dueAt + GRACE;
        // A call that nobody used is over, so that a fall of the price much later gives notice again.
        bool called =
            block.timestamp > l.marginDeadline && block.timestamp <= l.marginDeadline + MARGIN_WINDOW;
        if (!overdue && !(called && _isBelowMargin(l))) {
            revert MarketErrors.DatasetLending_NotSeizable(loanId, l.dueAt + GRACE, l.marginDeadline);
        }
        uint256 collateral = l.collateral;
        uint256 reward = collateral * _storage().terms.seizureBps / BPS;
        _close(l, LoanStates.SEIZED);
        emit Seized(loanId, msg.sender, reward, collateral - reward);

        _earn(collateral - reward, l.datasetId);
        _pay(msg.sender, reward);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IDatasetLending
    function setLendingTerms(LendingTerms calldata terms) external restricted {
        _setLendingTerms(terms);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDatasetLending
    function loan(uint256 loanId) external view returns (Loan memory) {
        return _storage().loans[loanId];
    }

    /// @inheritdoc IDatasetLending
    function loanCount() external view returns (uint256) {
        return _storage().loanCount;
    }

    /// @inheritdoc IDatasetLending
    function lendingTerms() external view returns (LendingTerms memory) {
        return _storage().terms;
    }

    /// @inheritdoc IDatasetLending
    function quote(uint256 datasetId, uint64 term) public view returns (uint256 collateral, uint256 fee) {
        LendingTerms memory t = _storage().terms;
        uint256 price = MARKET.quote(_one(datasetId), 1);
        collateral = Math.mulDiv(price, t.collateralBps, BPS, Math.Rounding.Ceil);
        fee = Math.mulDiv(price, uint256(t.feeBps) * term, BPS * 365 days, Math.Rounding.Ceil);
    }

    // ---------------------------------------------------------------- internal

    function _open(uint256 loanId) private view returns (Loan storage l) {
        l = _storage().loans[loanId];
        if (l.state != LoanStates.OPEN) revert MarketErrors.DatasetLending_NotOpen(loanId, l.state);
    }

    /// @dev A class that was taken off the market has no price, and then no margin.
    function _isBelowMargin(Loan storage l) private view returns (bool) {
        try MARKET.quote(_one(l.datasetId), 1) returns (uint256 price) {
            return l.collateral < Math.mulDiv(price, _storage().terms.marginBps, BPS, Math.Rounding.Ceil);
        } catch {
            return false;
        }
    }

    function _close(Loan storage l, uint8 state) private {
        l.state = state;
        l.collateral = 0;
        l.marginDeadline = 0;
        POOL.jobClosed(l.datasetId);
    }

    function _setLendingTerms(LendingTerms calldata t) private {
        if (t.marginBps < BPS || t.marginBps > t.collateralBps) {
            revert MarketErrors.DatasetLending_BadTerms("marginBps");
        }
        if (t.collateralBps > GREATEST_BPS) revert MarketErrors.DatasetLending_BadTerms("collateralBps");
        if (t.feeBps > GREATEST_BPS) revert MarketErrors.DatasetLending_BadTerms("feeBps");
        if (t.seizureBps > GREATEST_SEIZURE_BPS) {
            revert MarketErrors.DatasetLending_BadTerms("seizureBps");
        }
        _storage().terms = t;
        emit LendingTermsSet(t);
    }

    function _storage() private pure returns (DatasetLendingStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
