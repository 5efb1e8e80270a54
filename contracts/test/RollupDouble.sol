// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRollupCore} from "../src/interfaces/IRollupCore.sol";

/// @dev Keeps the rules of BoLD's Rollup contract for assertions: each is made on a known one, waits
/// for the confirmation period in blocks, and only a child of the newest confirmed one is confirmed
contract RollupDouble is IRollupCore {
    error AssertionDoesNotExist();
    error AssertionSeen();
    error BadMachineStatus();
    error BeforeDeadline();
    error NotPending();
    error PreviousNotLatestConfirmed();

    uint64 public constant CONFIRM_PERIOD_BLOCKS = 45_818;

    uint256 public immutable chainId;
    bytes32 public latestConfirmed;
    mapping(bytes32 assertionHash => AssertionNode) private _assertions;
    mapping(bytes32 assertionHash => bytes32) private _parents;

    /// @param first The hash of an assertion that is confirmed from the beginning
    constructor(uint256 chainId_, bytes32 first) {
        (chainId, latestConfirmed) = (chainId_, first);
        _assertions[first].status = AssertionStatus.Confirmed;
    }

    function create(bytes32 parent, AssertionState calldata state, bytes32 inboxAccumulator)
        external
        returns (bytes32 hash)
    {
        if (state.machineStatus == MachineStatus.Running) revert BadMachineStatus();
        if (_assertions[parent].status == AssertionStatus.None) revert AssertionDoesNotExist();
        hash = hashOf(parent, state, inboxAccumulator);
        if (_assertions[hash].status != AssertionStatus.None) revert AssertionSeen();
        (_assertions[hash].status, _parents[hash]) = (AssertionStatus.Pending, parent);
        _assertions[hash].createdAtBlock = uint64(block.number);
    }

    function confirm(bytes32 hash) external {
        AssertionNode storage assertion = _assertions[hash];
        if (assertion.status != AssertionStatus.Pending) revert NotPending();
        if (_parents[hash] != latestConfirmed) revert PreviousNotLatestConfirmed();
        if (block.number < assertion.createdAtBlock + CONFIRM_PERIOD_BLOCKS) revert BeforeDeadline();
        (assertion.status, latestConfirmed) = (AssertionStatus.Confirmed, hash);
    }

    function getAssertion(bytes32 hash) external view returns (AssertionNode memory) {
        return _assertions[hash];
    }

    /// @dev Word by word, so that both sides of a check are not the same code
    function hashOf(bytes32 parent, AssertionState calldata state, bytes32 inboxAccumulator)
        public
        pure
        returns (bytes32)
    {
        bytes32[2] calldata hashes = state.globalState.bytes32Vals;
        uint64[2] calldata positions = state.globalState.u64Vals;
        bytes memory words = bytes.concat(
            hashes[0],
            hashes[1],
            bytes32(uint256(positions[0])),
            bytes32(uint256(positions[1])),
            bytes32(uint256(state.machineStatus)),
            state.endHistoryRoot
        );
        return keccak256(bytes.concat(parent, keccak256(words), inboxAccumulator));
    }
}
