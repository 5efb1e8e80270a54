// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {ISlashableSource} from "../src/interfaces/ISlashableSource.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {BlockingToken, FeeToken, HookedToken, SilentToken} from "./Tokens.sol";
import {TestBase} from "./TestBase.sol";

contract StakeSlashingTest is TestBase {
    uint256 private constant START = 1_000_000;
    uint256 private constant DELAY = 600;
    address private constant OPERATOR = address(0xA11CE);
    address private constant OTHER = address(0xB0B);
    address private constant ALICE = address(0xA);
    address private constant BOB = address(0xB);

    LocalToken private token;
    StakeVault private vault;

    function setUp() external {
        vm.warp(START);
        token = new LocalToken();
        vault = _vaultFor(token);
    }

    function test_aSlashCostsEverybodyBehindTheOperatorAlike() external {
        _deposit(ALICE, OPERATOR, 30 ether);
        _deposit(BOB, OPERATOR, 10 ether);
        _deposit(BOB, OTHER, 10 ether);
        vm.expectEmit(address(vault));
        emit IStakeVault.StakeSlashed(OPERATOR, 0.25e18, 10 ether, "two claims at one height");
        (IERC20 asset, uint256 assets) = vault.slash(OPERATOR, 0.25e18, "two claims at one height");
        assertEq(address(asset), address(token));
        assertEq(assets, 10 ether);
        assertEq(token.balanceOf(address(this)), 10 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 22.5 ether);
        assertEq(vault.stakeOf(BOB, OPERATOR), 7.5 ether);
        assertEq(vault.stakeOf(BOB, OTHER), 10 ether);
        assertEq(vault.slashableOf(OPERATOR), 30 ether);
    }

    function test_theWeightFallsAtTheSlashAndThePastStays() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        vm.warp(START + 100);
        vault.slash(OPERATOR, 0.25e18, "");
        assertEq(vault.weightAt(OPERATOR, START + 100), 40);
        assertEq(vault.weightAt(OPERATOR, START + 101), 30);
    }

    function test_onlyTheSlasherSlashes(address caller) external {
        vm.assume(caller != address(this));
        _deposit(ALICE, OPERATOR, 1 ether);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ISlashableSource.NotTheSlasher.selector, caller));
        vault.slash(OPERATOR, 1, "");
        assertEq(vault.slasher(), address(this));
    }

    function test_slashesFractionsAboveZeroAndUpToAll() external {
        _deposit(ALICE, OPERATOR, 1 ether);
        uint256[2] memory wrong = [uint256(0), 1e18 + 1];
        for (uint256 i = 0; i < 2; i++) {
            vm.expectRevert(abi.encodeWithSelector(IStakeVault.InvalidFraction.selector, wrong[i]));
            vault.slash(OPERATOR, wrong[i], "");
        }
    }

    function test_whereNothingStandsBehindAnOperatorNothingIsTaken() external {
        (IERC20 asset, uint256 assets) = vault.slash(OPERATOR, 1e18, "");
        assertEq(address(asset), address(token));
        assertEq(assets, 0);
        _deposit(ALICE, OPERATOR, 5 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 5 ether);
    }

    function test_anExitThatWaitsIsSlashedLikeTheRest() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        _deposit(BOB, OPERATOR, 40 ether);
        uint256 id = _exit(ALICE, OPERATOR, 20 ether);
        // The exit was first, the evidence came while it waited.
        vm.warp(START + DELAY - 1);
        (, uint256 assets) = vault.slash(OPERATOR, 0.5e18, "");
        assertEq(assets, 40 ether);
        assertEq(vault.withdrawal(id).assets, 10 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 10 ether);
        vm.warp(START + DELAY);
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(ALICE), 10 ether);
    }

    /// @dev The figures of protocol.md for the local network and for mainnet
    function test_whatWeighedInAnEpochIsSlashableForAllOfItsEvidenceWindow() external {
        uint256[3][2] memory networks =
            [[uint256(60), 300 seconds, 600 seconds], [uint256(86_400), 7 days, 14 days]];
        for (uint256 i = 0; i < networks.length; i++) {
            (uint256 epochSeconds, uint256 evidenceWindow) = (networks[i][0], networks[i][1]);
            vault = new StakeVault(token, 1 ether, networks[i][2], address(this));
            uint256 snapshotTime = START + 30 days * i + 10;
            vm.warp(snapshotTime - 1);
            _deposit(ALICE, OPERATOR, 40 ether);
            // The first moment at which an exit takes nothing from the epoch's weight any more.
            vm.warp(snapshotTime);
            _exit(ALICE, OPERATOR, 40 ether);
            assertEq(vault.weightAt(OPERATOR, snapshotTime), 40);
            vm.warp(snapshotTime + 2 * epochSeconds + evidenceWindow);
            assertEq(vault.slashableOf(OPERATOR), 40 ether);
            (, uint256 assets) = vault.slash(OPERATOR, 1e18, "");
            assertEq(assets, 40 ether);
        }
    }

    function test_fromItsReleaseOnAnExitLosesNothingWheneverItIsCompleted() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        uint256[2] memory ids = [_exit(ALICE, OPERATOR, 10 ether), _exit(ALICE, OPERATOR, 10 ether)];
        vm.warp(START + 1);
        uint256 later = _exit(ALICE, OPERATOR, 10 ether);
        vm.warp(START + DELAY);
        vault.completeWithdrawal(ids[0]);
        (, uint256 assets) = vault.slash(OPERATOR, 0.5e18, "");
        // Half of what still waits and of what has not begun to: not of what was released this second.
        assertEq(assets, 10 ether);
        vault.completeWithdrawal(ids[1]);
        assertEq(token.balanceOf(ALICE), 20 ether);
        vm.warp(START + 2 * DELAY);
        vault.slash(OPERATOR, 1e18, "");
        vault.completeWithdrawal(later);
        assertEq(token.balanceOf(ALICE), 25 ether);
        assertEq(token.balanceOf(address(vault)), 0);
    }

    function test_aFullSlashLeavesNothingAndTheNextStakeIsWhole() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        uint256 id = _exit(ALICE, OPERATOR, 10 ether);
        (, uint256 assets) = vault.slash(OPERATOR, 1e18, "");
        assertEq(assets, 40 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 0);
        assertEq(vault.weightAt(OPERATOR, START + 1), 0);
        // In the same second: the dead shares have no part in it.
        _deposit(BOB, OPERATOR, 10 ether);
        assertEq(vault.stakeOf(BOB, OPERATOR), 10 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 0);
        assertEq(vault.slashableOf(OPERATOR), 10 ether);
        assertEq(vault.weightAt(OPERATOR, START + 1), 10);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.NothingStaked.selector, ALICE, OPERATOR));
        vault.requestWithdrawal(OPERATOR, 1);
        vm.warp(START + DELAY);
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(ALICE), 0);
        assertEq(vault.slashableOf(OPERATOR), 10 ether);
    }

    function test_anExitReleasedBeforeAFullSlashIsPaidAfterIt() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        uint256 id = _exit(ALICE, OPERATOR, 10 ether);
        vm.warp(START + DELAY);
        vault.slash(OPERATOR, 1e18, "");
        _deposit(BOB, OPERATOR, 10 ether);
        vault.slash(OPERATOR, 1e18, "");
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(ALICE), 10 ether);
    }

    function test_aSlashInBetweenStopsNoExit() external {
        _deposit(ALICE, OPERATOR, 40 ether);
        vault.slash(OPERATOR, 0.5e18, "");
        uint256 id = _exit(ALICE, OPERATOR, 40 ether);
        assertEq(vault.withdrawal(id).assets, 20 ether);
    }

    function test_dustIsSlashedWholeAndItsExitIsNeverStuck() external {
        _deposit(ALICE, OPERATOR, 3);
        // Three tenths of a unit are rounded up, against the operator.
        (, uint256 assets) = vault.slash(OPERATOR, 0.1e18, "");
        assertEq(assets, 1);
        _deposit(BOB, OPERATOR, 1);
        uint256 id = _exit(BOB, OPERATOR, 1);
        assertTrue(vault.withdrawal(id).assets <= 1);
        vault.slash(OPERATOR, 1, "");
        uint256 other = _exit(ALICE, OPERATOR, 3);
        vm.warp(START + DELAY);
        vault.completeWithdrawal(id);
        vault.completeWithdrawal(other);
        assertTrue(token.balanceOf(ALICE) + token.balanceOf(BOB) <= 2);
    }

    function test_aGiftDoesNotCount() external {
        _deposit(ALICE, OPERATOR, 1);
        token.mint(address(vault), 1_000 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 1);
        // Nobody's deposit is rounded away by a price that somebody has driven up.
        _deposit(BOB, OPERATOR, 1 ether);
        assertEq(vault.stakeOf(BOB, OPERATOR), 1 ether);
        vm.warp(START + 1);
        assertEq(vault.weightAt(OPERATOR, START + 1), 1);
    }

    function test_aDepositAfterASlashIsWorthWhatArrived(uint64 wad, uint96 assets) external {
        _deposit(ALICE, OPERATOR, 777 ether + 7);
        vault.slash(OPERATOR, uint256(wad) % 0.999e18 + 1, "");
        uint256 before = vault.stakeOf(ALICE, OPERATOR);
        uint256 deposited = uint256(assets) + 1;
        _deposit(BOB, OPERATOR, deposited);
        uint256 stake = vault.stakeOf(BOB, OPERATOR);
        assertTrue(stake <= deposited && stake + 1 >= deposited);
        assertEq(vault.stakeOf(ALICE, OPERATOR), before);
    }

    function test_anExitIsOfExactlyTheAssetsAskedFor(uint64 wad, uint96 assets) external {
        _deposit(ALICE, OPERATOR, 1e30);
        vault.slash(OPERATOR, uint256(wad) % 0.999e18 + 1, "");
        uint256 asked = uint256(assets) % (vault.stakeOf(ALICE, OPERATOR) - 1) + 1;
        uint256 rest = vault.stakeOf(ALICE, OPERATOR) - asked;
        uint256 id = _exit(ALICE, OPERATOR, asked);
        assertEq(vault.withdrawal(id).assets, asked);
        uint256 left = vault.stakeOf(ALICE, OPERATOR);
        assertTrue(left <= rest && left + 1 >= rest);
    }

    function test_anOperatorOfWhomHardlyAnythingIsLeftTakesNoStakeUntilAllIsSlashed() external {
        _deposit(ALICE, OPERATOR, 1e30);
        vault.slash(OPERATOR, 1e18 - 1e9, "");
        _deposit(BOB, OPERATOR, 1e30);
        vault.slash(OPERATOR, 0.5e18, "");
        token.mint(BOB, 1);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.OperatorDepleted.selector, OPERATOR));
        vault.deposit(OPERATOR, 1);
        // It is still theirs, and still slashable, down to a billionth of what each had put in.
        assertTrue(vault.stakeOf(BOB, OPERATOR) <= 0.5e30 && vault.stakeOf(BOB, OPERATOR) + 1 >= 0.5e30);
        vault.slash(OPERATOR, 1e18 - 4e9, "");
        assertTrue(vault.stakeOf(BOB, OPERATOR) > 1e21);
        uint256 id = _exit(BOB, OPERATOR, type(uint256).max);
        (, uint256 assets) = vault.slash(OPERATOR, 0.9e18, "");
        assertTrue(assets > 1e21);
        assertEq(vault.withdrawal(id).assets, 0);
        _deposit(BOB, OPERATOR, 1 ether);
        assertEq(vault.stakeOf(BOB, OPERATOR), 1 ether);
    }

    function test_anOperatorWhoseDepletedPoolWasLeftStartsANewOne() external {
        _deposit(ALICE, OPERATOR, 1e30);
        vault.slash(OPERATOR, 1e18 - 1, "");
        uint256 id = _exit(ALICE, OPERATOR, type(uint256).max);
        uint256 left = vault.withdrawal(id).assets;
        assertTrue(left != 0);
        token.mint(BOB, 1 ether);
        vm.warp(START + DELAY - 1);
        // A slash still finds what waits, so nobody may join it.
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IStakeVault.OperatorDepleted.selector, OPERATOR));
        vault.deposit(OPERATOR, 1 ether);
        vm.warp(START + DELAY);
        _deposit(BOB, OPERATOR, 1 ether);
        assertEq(vault.stakeOf(BOB, OPERATOR), 1 ether);
        assertEq(vault.stakeOf(ALICE, OPERATOR), 0);
        assertEq(vault.slashableOf(OPERATOR), 1 ether);
        vault.slash(OPERATOR, 0.5e18, "");
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(ALICE), left);
    }

    function test_manySlashesNeverTakeMoreThanThereIsAndOnlyEverLower(uint64[8] calldata wads) external {
        _deposit(ALICE, OPERATOR, 1_000_003);
        _deposit(BOB, OPERATOR, 77);
        uint256 id = _exit(BOB, OPERATOR, 40);
        uint256 left = vault.slashableOf(OPERATOR);
        for (uint256 i = 0; i < wads.length; i++) {
            uint256 wad = uint256(wads[i]) % 1e18 + 1;
            (, uint256 assets) = vault.slash(OPERATOR, wad, "");
            assertTrue(assets * 1e18 >= left * wad);
            uint256 next = vault.slashableOf(OPERATOR);
            assertTrue(next + assets <= left);
            left = next;
            uint256 claims = vault.stakeOf(ALICE, OPERATOR) + vault.stakeOf(BOB, OPERATOR);
            assertTrue(claims + vault.withdrawal(id).assets <= token.balanceOf(address(vault)));
        }
    }

    function test_theSlasherIsToldWhatArrived() external {
        FeeToken fee = new FeeToken();
        StakeVault feeVault = _vaultFor(fee);
        fee.mint(address(this), 10 ether);
        fee.approve(address(feeVault), 10 ether);
        feeVault.deposit(OPERATOR, 10 ether);
        (, uint256 assets) = feeVault.slash(OPERATOR, 1e18, "");
        assertEq(assets, 8.1 ether);
        assertEq(fee.balanceOf(address(feeVault)), 0);
    }

    function test_aTokenThatFailsForOneStakerBlocksNobodyElse() external {
        BlockingToken blocking = new BlockingToken();
        (token, vault) = (blocking, _vaultFor(blocking));
        _deposit(ALICE, OPERATOR, 10 ether);
        _deposit(BOB, OPERATOR, 10 ether);
        uint256 id = _exit(ALICE, OPERATOR, 10 ether);
        uint256 other = _exit(BOB, OPERATOR, 10 ether);
        blocking.setBlocked(ALICE, true);
        vm.warp(START + DELAY - 1);
        vault.slash(OPERATOR, 0.5e18, "");
        vm.warp(START + DELAY);
        vm.expectRevert(abi.encodeWithSelector(BlockingToken.Blocked.selector, ALICE));
        vault.completeWithdrawal(id);
        vault.completeWithdrawal(other);
        assertEq(token.balanceOf(BOB), 5 ether);
        // The exit that failed is still there, out of reach of later slashes.
        vault.slash(OPERATOR, 1e18, "");
        blocking.setBlocked(ALICE, false);
        vault.completeWithdrawal(id);
        assertEq(token.balanceOf(ALICE), 5 ether);
    }

    function test_aTokenThatAnswersNothingWorksAndOneThatAnswersFalseFails() external {
        SilentToken silent = new SilentToken();
        StakeVault silentVault = new StakeVault(IERC20(address(silent)), 1 ether, DELAY, address(this));
        silent.mint(address(this), 10 ether);
        silentVault.deposit(OPERATOR, 10 ether);
        (, uint256 assets) = silentVault.slash(OPERATOR, 0.5e18, "");
        assertEq(assets, 5 ether);
        uint256 id = silentVault.requestWithdrawal(OPERATOR, 1 ether);
        vm.warp(START + DELAY);
        silent.answerFalse();
        bytes memory failed =
            abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(silent));
        vm.expectRevert(failed);
        silentVault.completeWithdrawal(id);
        vm.expectRevert(failed);
        silentVault.slash(OPERATOR, 0.5e18, "");
        vm.expectRevert(failed);
        silentVault.deposit(OPERATOR, 1);
        assertEq(silentVault.withdrawal(id).assets, 1 ether);
        assertEq(silentVault.slashableOf(OPERATOR), 4 ether);
    }

    function test_aTokenThatCallsBackFromASlashOrADepositChangesNothing() external {
        HookedToken hooked = new HookedToken();
        (token, vault) = (hooked, _vaultFor(hooked));
        _deposit(ALICE, OPERATOR, 10 ether);
        bytes[4] memory calls = [
            abi.encodeCall(IStakeVault.deposit, (OPERATOR, 1)),
            abi.encodeCall(IStakeVault.requestWithdrawal, (OPERATOR, 1)),
            abi.encodeCall(IStakeVault.completeWithdrawal, (0)),
            abi.encodeCall(ISlashableSource.slash, (OPERATOR, 1e18, ""))
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            hooked.callOnTransfer(address(vault), calls[i]);
            bytes4 reentered = ReentrancyGuard.ReentrancyGuardReentrantCall.selector;
            vm.expectRevert(abi.encodeWithSelector(reentered));
            vault.slash(OPERATOR, 0.5e18, "");
            vm.prank(ALICE);
            vm.expectRevert(abi.encodeWithSelector(reentered));
            vault.deposit(OPERATOR, 0);
        }
        assertEq(vault.slashableOf(OPERATOR), 10 ether);
    }

    function _deposit(address staker, address operator, uint256 assets) private {
        token.mint(staker, assets);
        vm.prank(staker);
        token.approve(address(vault), assets);
        vm.prank(staker);
        vault.deposit(operator, assets);
    }

    function _exit(address staker, address operator, uint256 assets) private returns (uint256) {
        vm.prank(staker);
        return vault.requestWithdrawal(operator, assets);
    }

    function _vaultFor(LocalToken asset) private returns (StakeVault) {
        return new StakeVault(asset, 1 ether, DELAY, address(this));
    }
}
