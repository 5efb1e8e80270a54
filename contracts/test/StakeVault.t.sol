// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Takes a tenth of every transfer
contract FeeToken is LocalToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount / 10);
    }
}

/// @dev Calls the vault again while it pays out
contract ReenteringToken is LocalToken {
    address private _vault;

    function reenter(address vault) external {
        _vault = vault;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from == _vault && from != address(0)) IStakeVault(from).completeWithdrawal(0);
    }
}

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
        vm.expectRevert(
            abi.encodeWithSelector(IStakeVault.InsufficientStake.selector, 5 ether, 5 ether + 1)
        );
        vault.requestWithdrawal(OPERATOR, 5 ether + 1);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InsufficientStake.selector, 0, 1));
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
        ReenteringToken reentering = new ReenteringToken();
        StakeVault reentered = _vaultFor(reentering);
        reentering.reenter(address(reentered));
        reentered.deposit(OPERATOR, 10 ether);
        reentered.requestWithdrawal(OPERATOR, 1 ether);
        vm.warp(START + DELAY);
        vm.expectRevert(abi.encodeWithSelector(ReentrancyGuard.ReentrancyGuardReentrantCall.selector));
        reentered.completeWithdrawal(0);
    }

    function test_refusesEmptyDepositsAndTheZeroOperator() external {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.ZeroAssets.selector));
        vault.deposit(OPERATOR, 0);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidOperator.selector));
        vault.deposit(address(0), 1);
    }

    function test_refusesAnAssetWithoutCodeAndWeightlessUnits() external {
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidConfiguration.selector));
        new StakeVault(IERC20(address(0xdead)), 1, DELAY);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidConfiguration.selector));
        new StakeVault(token, 0, DELAY);
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

    function _vaultFor(LocalToken asset) private returns (StakeVault created) {
        created = new StakeVault(asset, 1 ether, DELAY);
        asset.mint(address(this), 1_000 ether);
        asset.approve(address(created), type(uint256).max);
    }
}
