// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {TestBase} from "./TestBase.sol";
import {FeeToken, HookedToken} from "./Tokens.sol";

contract StakeVaultTest is TestBase {
    uint256 private constant START = 1_000_000;
    uint256 private constant DELAY = 600;
    address private constant OPERATOR = address(0xA11CE);

    LocalToken private token;
    StakeVault private vault;

    function setUp() external {
        vm.warp(START);
        token = new LocalToken();
        vault = _vaultFor(token);
    }

    function test_weightIsTheAssetsBehindAnOperatorInWholeUnits() external {
        vault.deposit(OPERATOR, 2.5 ether);
        assertEq(vault.weightAt(OPERATOR, START + 1), 2);
        vm.warp(START + 10);
        vault.deposit(OPERATOR, 0.5 ether);
        assertEq(vault.weightAt(OPERATOR, START + 11), 3);
        assertEq(vault.weightAt(OPERATOR, START + 10), 2);
        assertEq(vault.stakeOf(address(this), OPERATOR), 3 ether);
        assertEq(vault.weightAt(address(0xB0B), START + 11), 0);
    }

    function test_aTimestampDoesNotCountItsOwnBlock() external {
        vault.deposit(OPERATOR, 1 ether);
        assertEq(vault.weightAt(OPERATOR, 0), 0);
        assertEq(vault.weightAt(OPERATOR, START), 0);
        assertEq(vault.weightAt(OPERATOR, START + 1), 1);
    }

    function test_theLastChangeWithinABlockCounts() external {
        vault.deposit(OPERATOR, 5 ether);
        vault.requestWithdrawal(OPERATOR, 2 ether);
        assertEq(vault.weightAt(OPERATOR, START + 1), 3);
    }

    function test_weightLeavesAtOnceAndAssetsAfterTheDelay() external {
        vault.deposit(OPERATOR, 5 ether);
        vm.warp(START + 100);
        uint256 id = vault.requestWithdrawal(OPERATOR, 5 ether);
        assertEq(vault.weightAt(OPERATOR, START + 100), 5);
        assertEq(vault.weightAt(OPERATOR, START + 101), 0);
        assertEq(vault.withdrawal(id).operator, OPERATOR);

        vm.warp(START + 100 + DELAY - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.WithdrawalLocked.selector, START + 100 + DELAY)
        );
        vault.completeWithdrawal(id);

        vm.warp(START + 100 + DELAY);
        uint256 before = token.balanceOf(address(this));
        vm.prank(address(0xB0B));
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(address(this)) - before, 5 ether);
        assertEq(token.balanceOf(address(vault)), 0);
    }

    function test_aWithdrawalIsPaidOnce() external {
        vault.deposit(OPERATOR, 5 ether);
        uint256 id = vault.requestWithdrawal(OPERATOR, 1 ether);
        vm.warp(START + DELAY);
        vault.completeWithdrawal(id);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.UnknownWithdrawal.selector, id));
        vault.completeWithdrawal(id);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.UnknownWithdrawal.selector, id + 1));
        vault.completeWithdrawal(id + 1);
    }

    function test_nobodyWithdrawsMoreThanItsOwnStake() external {
        vault.deposit(OPERATOR, 5 ether);
        token.mint(OPERATOR, 1 ether);
        vm.prank(OPERATOR);
        token.approve(address(vault), 1 ether);
        vm.prank(OPERATOR);
        vault.deposit(OPERATOR, 1 ether);
        uint256 id = vault.requestWithdrawal(OPERATOR, 5 ether + 1);
        assertEq(vault.withdrawal(id).assets, 5 ether);
        assertEq(vault.stakeOf(address(this), OPERATOR), 0);
        assertEq(vault.stakeOf(OPERATOR, OPERATOR), 1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.NothingStaked.selector, address(this), OPERATOR)
        );
        vault.requestWithdrawal(OPERATOR, 1);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.ZeroAssets.selector));
        vault.requestWithdrawal(OPERATOR, 0);
    }

    function test_onlyWhatArrivesCounts() external {
        StakeVault feeVault = _vaultFor(new FeeToken());
        assertEq(feeVault.deposit(OPERATOR, 10 ether), 9 ether);
        assertEq(feeVault.weightAt(OPERATOR, START + 1), 9);
        assertEq(feeVault.stakeOf(address(this), OPERATOR), 9 ether);
    }

    function test_aTokenThatCallsBackCannotBePaidTwice() external {
        HookedToken hooked = new HookedToken();
        StakeVault reentered = _vaultFor(hooked);
        reentered.deposit(OPERATOR, 10 ether);
        reentered.requestWithdrawal(OPERATOR, 1 ether);
        vm.warp(START + DELAY);
        hooked.callOnTransfer(address(reentered), abi.encodeCall(IStakeVault.completeWithdrawal, (0)));
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector));
        reentered.completeWithdrawal(0);
    }

    function test_refusesEmptyDepositsAndTheZeroOperator() external {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.ZeroAssets.selector));
        vault.deposit(OPERATOR, 0);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidOperator.selector));
        vault.deposit(address(0), 1);
    }

    function test_refusesAConfigurationThatCannotWork() external {
        _expectInvalid(IERC20(address(0xdead)), 1, DELAY, address(this));
        _expectInvalid(token, 0, DELAY, address(this));
        _expectInvalid(token, 1, 0, address(this));
        _expectInvalid(token, 1, 365 days + 1, address(this));
        // What nobody answers for could be deployed later by whoever knows how.
        _expectInvalid(token, 1, DELAY, address(0xE0A));
    }

    function test_thePastNeverChanges(uint64[8] calldata amounts, uint8 moment) external {
        uint256[9] memory history;
        uint256 assets = 0;
        for (uint256 i = 0; i < 8; i++) {
            vm.warp(START + 10 * i);
            vault.deposit(OPERATOR, uint256(amounts[i]) + 1);
            assets += uint256(amounts[i]) + 1;
            history[i + 1] = assets / 1 ether;
        }
        uint256 index = uint256(moment) % 9;
        assertEq(vault.weightAt(OPERATOR, START + 10 * index), history[index]);
    }

    function _expectInvalid(IERC20 asset, uint256 assetsPerWeight, uint256 delay, address slasher) private {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidConfiguration.selector));
        new StakeVault(asset, assetsPerWeight, delay, slasher);
    }

    function _vaultFor(LocalToken asset) private returns (StakeVault created) {
        created = new StakeVault(asset, 1 ether, DELAY, address(this));
        asset.mint(address(this), 1_000 ether);
        asset.approve(address(created), type(uint256).max);
    }
}
