// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IArbitrable} from "./IArbitrable.sol";
import {IArbitrator} from "./IArbitrator.sol";

/// @title Rulings
/// @notice What an arbitrator can say. The contract that asked says who the two sides are.
library Rulings {
    /// @notice The arbitrator refuses to rule, or did not rule in time.
    uint256 internal constant REFUSED = 0;
    /// @notice For the one who raised the dispute.
    uint256 internal constant FOR_CLAIMANT = 1;
    /// @notice For the other side.
    uint256 internal constant FOR_RESPONDENT = 2;
}

/// @notice A dispute that waits for its ruling.
struct Arbitration {
    IArbitrator arbitrator;
    /// unix seconds; after it anyone may end the dispute as if the arbitrator had refused to rule
    uint64 deadline;
    /// the arbitrator's number for it
    uint256 disputeId;
}

/// @notice Who rules on disputes to come, and how.
struct ArbitrationTerms {
    IArbitrator arbitrator;
    /// seconds that an arbitrator has, one hour to 180 days
    uint64 rulingWindow;
    /// what the arbitrator wants to know, for example a court and a number of jurors
    bytes extraData;
    /// address of the document that says what the disputes are about
    string metaEvidence;
}

/// @title IArbitrated
/// @notice Disputes over numbered cases by any ERC-792 arbitrator. A dispute always ends: by a ruling, or when its window
/// has passed, by anyone. It stays with the arbitrator under whom it was raised.
interface IArbitrated is IArbitrable {
    /// @notice A dispute was not ruled in time and ended as refused.
    event Unruled(uint256 indexed caseId);
    /// @notice Governance set who rules on disputes to come.
    event ArbitrationSet(IArbitrator indexed arbitrator, bytes extraData, uint64 rulingWindow);

    /// @notice Gives evidence, as the address of a document. The sides of an open dispute only.
    function submitEvidence(uint256 caseId, string calldata evidence) external;

    /// @notice Ends a dispute whose window passed, as if the arbitrator had refused to rule. Anyone may call, never paused.
    function endUnruled(uint256 caseId) external;

    /// @notice Sets who rules on disputes to come; those under way keep theirs. Governance only.
    function setArbitration(ArbitrationTerms calldata terms) external;

    /// @notice Who rules on disputes to come.
    function arbitrator() external view returns (IArbitrator);

    /// @notice What raising a dispute costs now, wei; exactly this must be sent along.
    function arbitrationCost() external view returns (uint256);

    /// @notice How long an arbitrator has, seconds.
    function rulingWindow() external view returns (uint64);

    /// @notice The open dispute over a case; all zero when there is none.
    function arbitrationOf(uint256 caseId) external view returns (Arbitration memory);
}
