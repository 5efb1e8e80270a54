// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Registry} from "../src/Registry.sol";
import {IWeightSource} from "../src/interfaces/IWeightSource.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Weights that a test sets, in force from the next second like a vault's
contract TestWeights is IWeightSource {
    error Unavailable();

    bool private _isDown;
    mapping(address operator => uint256[2][] timesAndWeights) private _history;

    function set(address operator, uint256 weight) external {
        _history[operator].push([block.timestamp, weight]);
    }

    function fail() external {
        _isDown = true;
    }

    function weightAt(address operator, uint256 timestamp) external view returns (uint256 weight) {
        if (_isDown) revert Unavailable();
        uint256[2][] storage history = _history[operator];
        for (uint256 i = 0; i < history.length && history[i][0] < timestamp; i++) {
            weight = history[i][1];
        }
    }
}

abstract contract RegistryTestBase is TestBase {
    uint64 internal constant START = 1_000_000;
    uint64 internal constant GENESIS = START + 1_000;
    uint64 internal constant EPOCH = 60;
    uint256 internal constant CHAIN = 31337;

    TestWeights internal weights;
    Registry internal registry;

    function setUp() public virtual {
        vm.chainId(CHAIN);
        vm.warp(START);
        weights = new TestWeights();
        registry = new Registry(address(this), weights, GENESIS, EPOCH);
    }

    function join(address operator, uint256 secret, uint256 weight) internal {
        weights.set(operator, weight);
        register(operator, secret);
    }

    function register(address operator, uint256 secret) internal {
        bytes memory key = publicKeyOf(secret);
        bytes memory proof = proofOf(operator, secret, 0);
        vm.prank(operator);
        registry.registerOperator(key, proof);
    }

    function proofOf(address operator, uint256 secret, uint256 nonce) internal view returns (bytes memory) {
        return sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digestOf(operator, publicKeyOf(secret), nonce));
    }

    function digestOf(address operator, bytes memory key, uint256 nonce) internal view returns (bytes32) {
        return keyRegistrationDigest(CHAIN, address(registry), operator, key, nonce);
    }
}
