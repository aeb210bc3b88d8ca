// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";

/// @title Sigmoid
/// @notice 1 / (1 + exp(-z)) in integers.
/// @dev exp(-y) = 2^-k / exp(r) with y = k ln 2 + r and 0 <= r < ln 2, where exp(r) is its power series at 0 (both are
/// identities of the exponential function). Everything is in parts of 1e-27 and rounded down. The series stops when a
/// term is below one part, after 24 terms at most; each term loses at most one part, and ln 2 is known to one part, k
/// times. So exp(r) errs by less than 150 parts in 1e27, and the result, in parts of 1e-18, by at most one part from the
/// last division, rounded down, and 1e-6 of a part from the rest.
library Sigmoid {
    int256 internal constant WAD = 1e18;
    uint256 private constant ONE = 1e27;
    /// @dev ln 2, rounded down.
    uint256 private constant LN2 = 693_147_180_559_945_309_417_232_121;
    /// @dev exp(-63) is below 1e-27.
    uint256 private constant ZERO_FROM = 63 * ONE;

    /// @notice The sigmoid of `z`, both in parts of 1e-18; between 0 and 1e18.
    /// @dev The steps of two neighbouring arguments may come out in the wrong order by one part.
    function value(int256 z) internal pure returns (uint256) {
        uint256 e = _expNegative(SignedMath.abs(z));
        // 1 / (1 + exp(-z)) = exp(z) / (1 + exp(z))
        return (z < 0 ? e : ONE) * 1e18 / (ONE + e);
    }

    /// @dev exp(-y) in parts of 1e-27; `y` in parts of 1e-18.
    function _expNegative(uint256 y) private pure returns (uint256) {
        if (y >= ZERO_FROM / 1e9) return 0;
        uint256 scaled = y * 1e9;
        uint256 r = scaled % LN2;
        uint256 sum = ONE;
        uint256 term = r;
        // All values are below 2^180: terms and r below 1e27, and at most 24 terms.
        unchecked {
            for (uint256 i = 2; term != 0; ++i) {
                sum += term;
                term = term * r / (ONE * i);
            }
        }
        return (ONE * ONE / sum) >> (scaled / LN2);
    }
}
