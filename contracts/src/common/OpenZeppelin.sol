// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Contracts that are deployed as OpenZeppelin wrote them, named here so that the build compiles them.

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
