// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {Proof} from "./IAttestationOracle.sol";

/// @title LoanStates
/// @notice Where a loan stands. Returned and Seized are final.
library LoanStates {
    uint8 internal constant NONE = 0;
    uint8 internal constant OPEN = 1;
    /// @notice The deletion was attested; the collateral went back.
    uint8 internal constant RETURNED = 2;
    /// @notice The collateral became revenue of the dataset.
    uint8 internal constant SEIZED = 3;
}

/// @notice What a borrower wants.
struct Borrowing {
    uint256 datasetId;
    /// one of `Purposes`
    uint8 purpose;
    /// questions that can be asked meanwhile
    uint32 uses;
    /// seconds
    uint64 term;
    /// 1e6 USDC units
    uint96 collateral;
    /// the most for the whole term, 1e6 USDC units
    uint96 maxFee;
}

/// @notice The use of a dataset for a term.
struct Loan {
    address borrower;
    /// one of `LoanStates`
    uint8 state;
    /// unix seconds, the last moment of use
    uint64 dueAt;
    /// 1e6 USDC units
    uint96 collateral;
    /// unix seconds, when the collateral can be seized unless it was topped up; zero when there was no margin call
    uint64 marginDeadline;
    uint256 datasetId;
    uint256 passId;
}

/// @notice What governance sets.
struct LendingTerms {
    /// collateral at the beginning, basis points of the dataset's price, 10,000 to 100,000
    uint32 collateralBps;
    /// below this a margin can be called, basis points of the dataset's price, 10,000 to `collateralBps`
    uint32 marginBps;
    /// for a whole year, basis points of the dataset's price, at most 100,000
    uint32 feeBps;
    /// the part of the collateral that goes to who seizes it, at most 500 basis points
    uint16 seizureBps;
}

/// @title IDatasetLending
/// @notice Use of a dataset for a term against collateral in USDC, which goes back when attestors saw the deletion.
/// @dev The price of a dataset is that of one use in `LicenceMarket`. The fee is price x feeBps x term / (10,000 x 365
/// days), rounded up, and revenue of the dataset at once. The borrower gets a licence pass until the end of the term; the
/// pool counts the loan like a job, so that the dataset leaves after it. A loan ends in bounded time: 90 days of term and
/// 7 of grace; then anyone seizes. When the price rose so much that the collateral is below the margin, anyone calls it;
/// the borrower has 3 days to top up, and for 3 days more anyone seizes while the collateral is still below; then the call is
/// over and another can be made. Only borrowing can be paused.
interface IDatasetLending {
    /// @notice A dataset was borrowed; amounts in 1e6 USDC units.
    event Borrowed(
        uint256 indexed loanId,
        uint256 indexed datasetId,
        address indexed borrower,
        uint256 passId,
        uint64 dueAt,
        uint256 collateral,
        uint256 fee
    );
    /// @notice Collateral was added, 1e6 USDC units.
    event ToppedUp(uint256 indexed loanId, uint256 amount);
    /// @notice The collateral is below the margin; to be topped up until `deadline`, unix seconds.
    event MarginCalled(uint256 indexed loanId, uint64 deadline);
    /// @notice The deletion was attested and the collateral went back, 1e6 USDC units.
    event Returned(uint256 indexed loanId, bytes32 deletionHash, uint256 collateral);
    /// @notice The collateral was seized, 1e6 USDC units.
    event Seized(uint256 indexed loanId, address indexed by, uint256 reward, uint256 revenue);
    /// @notice Governance set the terms.
    event LendingTermsSet(LendingTerms terms);

    /// @notice Borrows a dataset. Reverts as `LicenceMarket.issue` does, when the collateral is below the ratio, and when
    /// the fee is above `maxFee`.
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function borrow(Borrowing calldata borrowing, Permit calldata permit) external returns (uint256 loanId);

    /// @notice Adds collateral, 1e6 USDC units. Anyone may pay. Ends a margin call when it is above the margin again.
    function topUp(uint256 loanId, uint96 amount, Permit calldata permit) external;

    /// @notice Calls the margin of a loan whose collateral is below it. Anyone may call.
    function callMargin(uint256 loanId) external;

    /// @notice Shows that attestors saw the deletion, and pays the collateral back. Anyone may call, as long as it was not
    /// seized. Attestation: kind DELETION, subject bytes32(loanId), payload
    /// keccak256(abi.encode(address(this), loanId, datasetId, deletionHash)).
    function giveBack(uint256 loanId, bytes32 deletionHash, Proof calldata proof) external;

    /// @notice Seizes the collateral: 7 days after the term, or after the deadline of a margin call while it is still below
    /// the margin. Anyone may call, and gets the reward.
    function seize(uint256 loanId) external;

    /// @notice Sets the terms; the ratios count for loans under way too. Governance only.
    function setLendingTerms(LendingTerms calldata terms) external;

    /// @notice The loan; all zero when there is none.
    function loan(uint256 loanId) external view returns (Loan memory);

    /// @notice How many loans there ever were; the last one has this number.
    function loanCount() external view returns (uint256);

    /// @notice The terms.
    function lendingTerms() external view returns (LendingTerms memory);

    /// @notice The least collateral and the fee for a term (seconds) now, 1e6 USDC units, rounded up.
    function quote(uint256 datasetId, uint64 term) external view returns (uint256 collateral, uint256 fee);
}
