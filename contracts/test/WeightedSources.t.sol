// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {Registry} from "../src/Registry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {WeightedSources} from "../src/WeightedSources.sol";
import {IWeightSource} from "../src/interfaces/IWeightSource.sol";
import {IWeightedSources} from "../src/interfaces/IWeightedSources.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {TestWeights} from "./RegistryTestBase.sol";
import {TestBase} from "./TestBase.sol";

contract WeightedSourcesTest is TestBase {
    uint256 private constant START = 1_000_000;
    address private constant OPERATOR = address(0xA11CE);
    uint128 private constant NO_MAXIMUM = type(uint128).max;

    TestWeights private first;
    TestWeights private second;
    WeightedSources private sources;

    function setUp() external {
        vm.warp(START);
        (first, second) = (new TestWeights(), new TestWeights());
        sources = new WeightedSources(address(this));
        first.set(OPERATOR, 101);
        second.set(OPERATOR, 40);
    }

    function test_addsUpWhatEachSourceCountsFor() external {
        sources.setSource(first, 10_000, NO_MAXIMUM);
        assertEq(sources.weightAt(OPERATOR, START + 1), 101);
        sources.setSource(second, 25_000, NO_MAXIMUM);
        assertEq(sources.weightAt(OPERATOR, START + 1), 201);
        sources.setSource(first, 5_000, NO_MAXIMUM);
        assertEq(sources.weightAt(OPERATOR, START + 1), 150);
        assertEq(sources.weightAt(address(0xB0B), START + 1), 0);
    }

    function test_withoutSourcesNobodyHasWeight() external view {
        assertEq(sources.weightAt(OPERATOR, START + 1), 0);
        assertEq(sources.weightAt(OPERATOR, 0), 0);
    }

    function test_noOperatorCountsForMoreThanTheSourcesMaximum() external {
        sources.setSource(first, 20_000, 100);
        assertEq(sources.weightAt(OPERATOR, START + 1), 200);
        first.set(OPERATOR, type(uint256).max);
        assertEq(sources.weightAt(OPERATOR, START + 1), 200);
    }

    function test_changesCountForLaterSnapshotsOnly() external {
        sources.setSource(first, 10_000, NO_MAXIMUM);
        vm.warp(START + 10);
        sources.setSource(first, 30_000, NO_MAXIMUM);
        sources.setSource(second, 10_000, NO_MAXIMUM);
        assertEq(sources.weightAt(OPERATOR, START), 0);
        assertEq(sources.weightAt(OPERATOR, START + 10), 101);
        assertEq(sources.weightAt(OPERATOR, START + 11), 343);
        IWeightedSources.Source[] memory list = sources.sourcesAt(START + 10);
        assertEq(list.length, 2);
        assertEq(abi.encode(list[0]), abi.encode(first, 10_000, NO_MAXIMUM));
        assertEq(abi.encode(list[1]), abi.encode(second, 0, 0));
    }

    function test_oneSourceThatFailsMakesTheAnswerFail() external {
        sources.setSource(first, 10_000, NO_MAXIMUM);
        sources.setSource(second, 10_000, NO_MAXIMUM);
        second.fail();
        vm.expectRevert(abi.encodeWithSelector(TestWeights.Unavailable.selector));
        sources.weightAt(OPERATOR, START + 1);
        vm.warp(START + 10);
        sources.setSource(second, 0, NO_MAXIMUM);
        assertEq(sources.weightAt(OPERATOR, START + 11), 101);
        // What could not be told at the time is not told now either.
        vm.expectRevert(abi.encodeWithSelector(TestWeights.Unavailable.selector));
        sources.weightAt(OPERATOR, START + 10);
    }

    function test_aSourceThatIsLeftOutStaysASource() external {
        assertTrue(!sources.isSource(address(first)));
        sources.setSource(first, 10_000, NO_MAXIMUM);
        sources.setSource(first, 0, NO_MAXIMUM);
        assertTrue(sources.isSource(address(first)));
        assertTrue(!sources.isSource(address(second)));
    }

    function test_onlyTheOwnerSetsSources(address caller) external {
        vm.assume(caller != address(this));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        sources.setSource(first, 10_000, NO_MAXIMUM);
    }

    function test_refusesSourcesAndTermsThatCannotWork() external {
        _expectInvalid(IWeightSource(address(0xdead)), 10_000, 1);
        _expectInvalid(sources, 10_000, 1);
        _expectInvalid(first, 1_000_001, 1);
        _expectInvalid(first, 10_000, 0);
        sources.setSource(first, 1_000_000, 1);
        vm.expectRevert(abi.encodeWithSelector(IWeightedSources.InvalidConfiguration.selector));
        new WeightedSources(address(0xE0A));
    }

    function test_refusesMoreSourcesThanATransactionCanAsk() external {
        for (uint256 i = 0; i < 3; i++) {
            sources.setSource(new TestWeights(), 10_000, 1);
        }
        vm.expectRevert(abi.encodeWithSelector(IWeightedSources.TooManySources.selector));
        sources.setSource(first, 10_000, 1);
    }

    function test_theWeightIsTheSumOverTheSources(uint64[2] calldata weights, uint32[2] calldata multipliers)
        external
    {
        (uint32 one, uint32 other) = (multipliers[0] % 1_000_001, multipliers[1] % 1_000_001);
        first.set(OPERATOR, weights[0]);
        second.set(OPERATOR, weights[1]);
        sources.setSource(first, one, NO_MAXIMUM);
        sources.setSource(second, other, NO_MAXIMUM);
        uint256 expected = uint256(weights[0]) * one / 10_000 + uint256(weights[1]) * other / 10_000;
        assertEq(sources.weightAt(OPERATOR, START + 1), expected);
    }

    function _expectInvalid(IWeightSource source, uint32 multiplierBps, uint128 maxWeight) private {
        vm.expectRevert(abi.encodeWithSelector(IWeightedSources.InvalidSource.selector, source));
        sources.setSource(source, multiplierBps, maxWeight);
    }
}

/// @dev A full registry over as many sources as there may be, each with some history
contract WeightedSourcesLimitsTest is TestBase {
    uint64 private constant GENESIS = 2_000_000;
    /// @dev EIP-7825
    uint256 private constant TRANSACTION_GAS_LIMIT = 16_777_216;

    Registry private registry;

    function setUp() external {
        vm.chainId(31337);
        vm.warp(GENESIS - 100_000);
        LocalToken token = new LocalToken();
        token.mint(address(this), 1_000_000 ether);
        WeightedSources sources = new WeightedSources(address(this));
        StakeVault[3] memory vaults;
        for (uint256 i = 0; i < 3; i++) {
            vaults[i] = new StakeVault(token, 1 ether, 600, address(this));
            token.approve(address(vaults[i]), type(uint256).max);
            sources.setSource(vaults[i], 15_000, type(uint128).max);
        }
        registry = new Registry(address(this), sources, GENESIS, 60);
        for (uint256 secret = 1; secret <= 256; secret++) {
            vaults[0].deposit(address(uint160(secret << 32)), 2 ether);
            _register(secret);
        }
        for (uint256 round = 1; round < 8; round++) {
            vm.warp(GENESIS - 100_000 + 100 * round);
            for (uint256 i = 0; i < 3 * 256; i++) {
                vaults[i % 3].deposit(address(uint160((i / 3 + 1) << 32)), 2 ether);
            }
        }
        vm.warp(GENESIS);
    }

    function test_theLargestSetOverAllSourcesIsFixedInOneTransaction() external {
        registry.fixEpoch(0);
        uint256 used = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("WeightedSources", "an epoch of 256 operators over 3 vaults", used);
        assertTrue(used < TRANSACTION_GAS_LIMIT * 9 / 10);
    }

    function _register(uint256 secret) private {
        address operator = address(uint160(secret << 32));
        bytes memory key = publicKeyOf(secret);
        bytes32 digest = keyRegistrationDigest(31337, address(registry), operator, key, 0);
        bytes memory proof = sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digest);
        vm.prank(operator);
        registry.registerOperator(key, proof);
    }
}
