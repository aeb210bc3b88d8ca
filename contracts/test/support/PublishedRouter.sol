// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// The router of Chainlink Functions for the tests that deploy it by its name. It has more local variables than the compiler can
// place without the optimizer, so what measures coverage, and therefore compiles without, compiles this file alone with it.
import {FunctionsRouter} from "@chainlink/contracts/src/v0.8/functions/v1_0_0/FunctionsRouter.sol";
