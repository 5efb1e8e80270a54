// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EigenLayerSource} from "../src/EigenLayerSource.sol";
import {IAllocationManager} from "../src/interfaces/IAllocationManager.sol";
import {IEigenLayerSource} from "../src/interfaces/IEigenLayerSource.sol";
import {ISlashableSource} from "../src/interfaces/ISlashableSource.sol";
import {AllocationManagerDouble} from "./AllocationManagerDouble.sol";
import {TestBase} from "./TestBase.sol";

contract EigenLayerSourceTest is TestBase {
    uint256 private constant START = 1_000_000;
    uint32 private constant LOOKAHEAD = 80_000;
    uint32 private constant STALENESS = 1 days;
    address private constant OPERATOR = address(0xA11CE);
    address private constant STETH = address(0x57);
    address private constant EIGEN = address(0xE1);
    address private constant SLASHER = address(0x51A5);

    AllocationManagerDouble private manager;
    EigenLayerSource private source;

    function setUp() external {
        vm.warp(START);
        vm.roll(10_000);
        vm.etch(SLASHER, hex"00");
        manager = new AllocationManagerDouble();
        source = _sourceWith(_assets(), IEigenLayerSource.Horizon(LOOKAHEAD, STALENESS), SLASHER);
        manager.setSlasher(address(source));
        manager.allocate(OPERATOR, STETH, 0.5e18, 20 ether);
        manager.allocate(OPERATOR, EIGEN, 1e18, 1_000 ether);
    }

    function test_weighsWhatIsAllocatedByAsset() external {
        _poke();
        // Half of 20 shares at one for each unit, and 1000 at one hundred.
        assertEq(source.weightAt(OPERATOR, START + 1), 20);
        assertEq(source.weightAt(OPERATOR, START), 0);
        assertEq(source.weightAt(OPERATOR, 0), 0);
    }

    function test_whoWasNeverPokedHasNotJoined() external view {
        assertEq(source.weightAt(address(0xB0B), START + 10_000 days), 0);
    }

    function test_anyonePokesAndTheRestOfTheHistoryStays() external {
        _poke();
        manager.allocate(OPERATOR, STETH, 1e18, 20 ether);
        vm.warp(START + 100);
        vm.prank(address(0xF00D));
        vm.expectEmit(address(source));
        emit IEigenLayerSource.WeightPoked(OPERATOR, 30);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 100), 20);
        assertEq(source.weightAt(OPERATOR, START + 101), 30);
    }

    function test_whatIsBeingDeallocatedWeighsNothingAlready() external {
        // It would be gone before evidence of the epoch could slash it.
        manager.deallocate(OPERATOR, STETH, 0.25e18);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 1), 20);
        vm.roll(10_000 + manager.DEALLOCATION_DELAY() - LOOKAHEAD);
        vm.warp(START + 10);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 11), 15);
    }

    function test_whatIsAllocatedLaterWeighsOnceItIsInForce() external {
        manager.allocateLater(OPERATOR, STETH, 0.5e18, 10_100);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 1), 20);
        vm.roll(10_100);
        vm.warp(START + 10);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 11), 30);
    }

    function test_whoLeftWeighsNothingOnceItsStakeCannotBeSlashed() external {
        manager.deregister(OPERATOR);
        vm.roll(10_000 + manager.DEALLOCATION_DELAY() + 1);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 1), 0);
    }

    function test_aWeightThatWasNotPokedForTooLongIsUnknown() external {
        _poke();
        uint256 last = START + STALENESS + 1;
        assertEq(source.weightAt(OPERATOR, last), 20);
        vm.expectRevert(
            abi.encodeWithSelector(IEigenLayerSource.StaleWeight.selector, OPERATOR, START)
        );
        source.weightAt(OPERATOR, last + 1);
        vm.warp(last);
        _poke();
        assertEq(source.weightAt(OPERATOR, last + 1), 20);
        // What was unknown at a time stays so: a later poke says nothing about it.
        vm.expectRevert();
        source.weightAt(OPERATOR, last + 2 * STALENESS);
    }

    function test_anOldZeroIsAnAnswer() external {
        _poke();
        manager.allocate(OPERATOR, STETH, 0, 0);
        manager.allocate(OPERATOR, EIGEN, 0, 0);
        vm.warp(START + 10);
        _poke();
        assertEq(source.weightAt(OPERATOR, START + 1_000 days), 0);
    }

    function test_pokesOfAnUnchangedWeightDoNotGrowTheHistory() external {
        _poke();
        vm.recordLogs();
        for (uint256 i = 0; i < 10; i++) {
            vm.warp(START + i);
            _poke();
        }
        vm.warp(START + STALENESS / 4 - 1);
        _poke();
        assertEq(vm.getRecordedLogs().length, 0);
        vm.warp(START + STALENESS / 4);
        _poke();
        assertEq(vm.getRecordedLogs().length, 1);
    }

    function test_anAnswerForOtherStrategiesIsNoWeight() external {
        manager.answerForOtherStrategies();
        vm.expectRevert(abi.encodeWithSelector(IEigenLayerSource.UnexpectedAnswer.selector));
        _poke();
    }

    function test_onlyTheSlasherSlashes(address caller) external {
        vm.assume(caller != SLASHER);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ISlashableSource.NotTheSlasher.selector, caller));
        source.slash(OPERATOR, 1e18, "");
    }

    function test_slashingLowersTheWeightAtOnce() external {
        _poke();
        vm.warp(START + 10);
        vm.prank(SLASHER);
        vm.expectEmit(address(source));
        emit IEigenLayerSource.OperatorSlashed(OPERATOR, 0.5e18, 1);
        (IERC20 asset, uint256 assets) = source.slash(OPERATOR, 0.5e18, "two claims at one height");
        // EigenLayer burns it or redistributes it: nothing passes through here.
        assertEq(address(asset), address(0));
        assertEq(assets, 0);
        assertEq(source.weightAt(OPERATOR, START + 10), 20);
        assertEq(source.weightAt(OPERATOR, START + 11), 10);
    }

    function test_whoIsLeavingIsSlashedUntilItHasLeft() external {
        manager.deregister(OPERATOR);
        vm.roll(10_000 + manager.DEALLOCATION_DELAY());
        vm.prank(SLASHER);
        source.slash(OPERATOR, 1, "");
        vm.roll(10_000 + manager.DEALLOCATION_DELAY() + 1);
        vm.prank(SLASHER);
        vm.expectRevert(abi.encodeWithSelector(AllocationManagerDouble.OperatorNotSlashable.selector));
        source.slash(OPERATOR, 1, "");
    }

    function test_slashesFractionsAboveZeroAndUpToAll() external {
        uint256[2] memory wrong = [uint256(0), 1e18 + 1];
        for (uint256 i = 0; i < 2; i++) {
            vm.prank(SLASHER);
            vm.expectRevert(abi.encodeWithSelector(AllocationManagerDouble.InvalidWadToSlash.selector));
            source.slash(OPERATOR, wrong[i], "");
        }
    }

    function test_slashingOnlyEverLowers(uint64[6] calldata wads) external {
        _poke();
        uint256 weight = source.weightAt(OPERATOR, START + 1);
        for (uint256 i = 0; i < wads.length; i++) {
            vm.warp(START + i);
            vm.prank(SLASHER);
            source.slash(OPERATOR, uint256(wads[i]) % 1e18 + 1, "");
            uint256 next = source.weightAt(OPERATOR, START + i + 1);
            assertTrue(next <= weight);
            weight = next;
        }
    }

    function test_saysWhatItReads() external view {
        assertEq(abi.encode(source.assets()), abi.encode(_assets()));
        assertEq(abi.encode(source.horizon()), abi.encode(LOOKAHEAD, STALENESS));
        assertEq(abi.encode(source.operatorSet()), abi.encode(address(0xAA5), 3));
        assertEq(source.slasher(), SLASHER);
        assertEq(address(source.allocationManager()), address(manager));
    }

    function test_refusesAConfigurationThatCannotWork() external {
        IEigenLayerSource.Horizon memory horizon = IEigenLayerSource.Horizon(LOOKAHEAD, STALENESS);
        _expectInvalid(new IEigenLayerSource.Asset[](0), horizon, SLASHER);
        _expectInvalid(new IEigenLayerSource.Asset[](17), horizon, SLASHER);
        _expectInvalid(_assets(), horizon, address(0xE0A));
        _expectInvalid(_assets(), IEigenLayerSource.Horizon(0, STALENESS), SLASHER);
        // Beyond the deallocation delay EigenLayer's answer is not accurate.
        _expectInvalid(_assets(), IEigenLayerSource.Horizon(100_800, STALENESS), SLASHER);
        _expectInvalid(_assets(), IEigenLayerSource.Horizon(LOOKAHEAD, 3), SLASHER);
        IEigenLayerSource.Asset[] memory wrong = _assets();
        wrong[1].sharesPerWeight = 0;
        _expectInvalid(wrong, horizon, SLASHER);
        wrong = _assets();
        wrong[1].strategy = wrong[0].strategy;
        _expectInvalid(wrong, horizon, SLASHER);
        (wrong[0], wrong[1]) = (_assets()[1], _assets()[0]);
        _expectInvalid(wrong, horizon, SLASHER);
    }

    function _expectInvalid(
        IEigenLayerSource.Asset[] memory assets,
        IEigenLayerSource.Horizon memory horizon,
        address slasher
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IEigenLayerSource.InvalidConfiguration.selector));
        _sourceWith(assets, horizon, slasher);
    }

    function _sourceWith(
        IEigenLayerSource.Asset[] memory assets,
        IEigenLayerSource.Horizon memory horizon,
        address slasher
    ) private returns (EigenLayerSource) {
        return new EigenLayerSource(
            manager, IAllocationManager.OperatorSet(address(0xAA5), 3), assets, horizon, slasher
        );
    }

    function _assets() private pure returns (IEigenLayerSource.Asset[] memory assets) {
        assets = new IEigenLayerSource.Asset[](2);
        assets[0] = IEigenLayerSource.Asset(STETH, 1 ether);
        assets[1] = IEigenLayerSource.Asset(EIGEN, 100 ether);
    }

    function _poke() private {
        address[] memory operators = new address[](1);
        operators[0] = OPERATOR;
        source.poke(operators);
    }
}
