// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {LocalToken} from "../script/LocalToken.sol";
import {Slasher} from "../src/Slasher.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {ISlashableSource} from "../src/interfaces/ISlashableSource.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {SlasherTestBase, TestStake} from "./SlasherTestBase.sol";

/// @dev A source that comes back into the slasher while it is asked
contract ReentrantStake is TestStake {
    bytes private _call;

    constructor(LocalToken token_) TestStake(token_) {}

    function comeBackWith(bytes calldata call_) external {
        _call = call_;
    }

    function slash(address, uint256, string calldata) external override returns (IERC20, uint256) {
        (bool isDone, bytes memory answer) = slasher.call(_call);
        if (isDone) return (token, 0);
        assembly ("memory-safe") {
            revert(add(answer, 0x20), mload(answer))
        }
    }
}

/// @dev A source that says more than it sends
contract BoastfulStake is TestStake {
    constructor(LocalToken token_) TestStake(token_) {}

    function slash(address, uint256, string calldata) external override returns (IERC20, uint256) {
        token.mint(msg.sender, 1 ether);
        return (token, 1_000 ether);
    }
}

/// @dev Set updates, what is taken and where it goes, and who may change what
contract SlasherPowersTest is SlasherTestBase {
    bytes32 private constant FALSE_HASH = keccak256("no set");

    function test_aFalseSetUpdateOfTheThresholdsWeightConvictsItsSigners() external {
        Certificates.Signers memory signed = _updateBy(4, FALSE_HASH, 0);
        slasher.reportFalseSetUpdate(4, FALSE_HASH, signed, membershipsOf(3, 1));
        bytes32 id = slasher.convictionIdFor(operatorAt(1), 4);
        assertEq(uint256(slasher.conviction(id).kind), uint256(ISlasher.Kind.FalseSetUpdate));
        IEvidenceVerifier.Membership[] memory absent = membershipsOf(3, 0);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(0)));
        slasher.reportFalseSetUpdate(4, FALSE_HASH, signed, absent);
        slasher.reportFalseSetUpdate(4, FALSE_HASH, signed, membershipsOf(3, 1));
        slasher.reportFalseSetUpdate(4, FALSE_HASH, signed, membershipsOf(3, 3));
        assertTrue(slasher.conviction(slasher.convictionIdFor(operatorAt(3), 4)).time != 0);
    }

    function test_oneOrFewSignersOfAFalseSetUpdateAreConvicted() external {
        bytes32 digest = updateDigestOf(domain, 4, FALSE_HASH);
        Certificates.OperatorSet memory set = setAt(3).preimage;
        bytes32[8] memory signature = signatureBy(FIRST_SECRET + 2, digest);
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, membershipsOf(3, 2), signature);
        assertTrue(slasher.conviction(slasher.convictionIdFor(operatorAt(2), 4)).time != 0);

        IEvidenceVerifier.Membership[] memory pair = new IEvidenceVerifier.Membership[](2);
        (pair[0], pair[1]) = (membershipOf(3, 0), membershipOf(3, 3));
        signature = signatureBy(2 * FIRST_SECRET + 3, digest);
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, pair, signature);
        assertTrue(slasher.conviction(slasher.convictionIdFor(operatorAt(3), 4)).time != 0);
        assertTrue(slasher.conviction(slasher.convictionIdFor(operatorAt(1), 4)).time == 0);
    }

    function test_whoDidNotSignAnUpdateIsNotConvictedByIt() external {
        bytes32 digest = updateDigestOf(domain, 4, FALSE_HASH);
        Certificates.OperatorSet memory set = setAt(3).preimage;
        bytes memory refused = refusal(IEvidenceVerifier.BadSignature.selector);
        bytes32[8] memory signature = signatureBy(FIRST_SECRET + 2, digest);
        IEvidenceVerifier.Membership[] memory list = membershipsOf(3, 1);
        vm.expectRevert(refused);
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, list, signature);
        vm.expectRevert(refused);
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, new IEvidenceVerifier.Membership[](0), signature);
        list = new IEvidenceVerifier.Membership[](2);
        (list[0], list[1]) = (membershipOf(3, 2), membershipOf(3, 2));
        signature = signatureBy(2 * (FIRST_SECRET + 2), digest);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceVerifier.NotAMember.selector, operatorAt(2)));
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, list, signature);
        list = membershipsOf(2, 2);
        set = setAt(2).preimage;
        signature = signatureBy(FIRST_SECRET + 2, digest);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceVerifier.UnknownOperatorSet.selector, 3));
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, list, signature);
    }

    function test_whatTheRegistryHasNotFixedIsNotJudged() external {
        Certificates.Signers memory signed = _updateBy(5, FALSE_HASH, 0);
        IEvidenceVerifier.Membership[] memory accused = membershipsOf(4, 1);
        bytes memory refused = refusal(ISlasher.NotFalse.selector, 5);
        vm.expectRevert(refused);
        slasher.reportFalseSetUpdate(5, FALSE_HASH, signed, accused);
        bytes32 fixedHash = registry.fixEpoch(5);
        slasher.reportFalseSetUpdate(5, FALSE_HASH, signed, accused);
        signed = _updateBy(5, fixedHash, 0);
        vm.expectRevert(refused);
        slasher.reportFalseSetUpdate(5, fixedHash, signed, accused);
        registry.fixEpoch(0);
        vm.expectRevert(refusal(ISlasher.NotFalse.selector, uint256(0)));
        slasher.reportFalseSetUpdate(0, FALSE_HASH, signed, accused);
    }

    function test_anUpdateConvictsUntilTheDeadlineOfItsSignersEpoch() external {
        bytes32[8] memory signature = signatureBy(FIRST_SECRET + 2, updateDigestOf(domain, 4, FALSE_HASH));
        Certificates.OperatorSet memory set = setAt(3).preimage;
        IEvidenceVerifier.Membership[] memory list = membershipsOf(3, 2);
        vm.warp(deadlineOf(3) + 1);
        vm.expectRevert(refusal(ISlasher.EvidenceExpired.selector, deadlineOf(3)));
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, list, signature);
        vm.warp(deadlineOf(3));
        slasher.reportFalseSetUpdateBy(4, FALSE_HASH, set, list, signature);
    }

    function test_whatIsTakenIsSharedAndWithdrawn() external {
        bytes32 id = _convict(0);
        (IERC20 asset, uint256 received) = slasher.collect(id, stake);
        assertEq(address(asset), address(token));
        assertEq(received, STAKE / 2);
        assertEq(stake.stakeOf(operatorAt(0)), STAKE / 2);
        assertEq(stake.lastDescription(), keccak256("double-attestation"));
        assertEq(slasher.creditOf(asset, REPORTER), STAKE / 20);
        assertEq(slasher.creditOf(asset, DESTINATION), STAKE / 2 - STAKE / 20);
        vm.prank(STRANGER);
        slasher.withdraw(asset, REPORTER);
        assertEq(token.balanceOf(REPORTER), STAKE / 20);
        assertEq(slasher.withdraw(asset, REPORTER), 0);
        slasher.withdraw(asset, DESTINATION);
        assertEq(token.balanceOf(DESTINATION), STAKE / 2 - STAKE / 20);
        assertEq(token.balanceOf(address(slasher)), 0);
    }

    function test_aVaultIsTakenFromWithTheExitsThatWait() external {
        StakeVault vault = new StakeVault(token, 1 ether, 1_000, address(slasher));
        sources.setSource(vault, 10_000, type(uint128).max);
        token.mint(address(this), 10 ether);
        token.approve(address(vault), 10 ether);
        vault.deposit(operatorAt(0), 10 ether);
        bytes32 id = _convict(0);
        uint256 exit = vault.requestWithdrawal(operatorAt(0), 4 ether);
        (, uint256 received) = slasher.collect(id, vault);
        assertEq(received, 5 ether);
        assertEq(vault.stakeOf(address(this), operatorAt(0)), 3 ether);
        assertEq(vault.withdrawal(exit).assets, 2 ether);
        assertEq(slasher.creditOf(token, REPORTER), 0.5 ether);
    }

    function test_onlyWhatArrivedIsCredited() external {
        slasher.collect(_convict(0), stake);
        BoastfulStake boastful = new BoastfulStake(token);
        sources.setSource(boastful, 10_000, type(uint128).max);
        bytes32 id = slasher.convictionIdAt(operatorAt(0), ROLLUP, 100);
        (, uint256 received) = slasher.collect(id, boastful);
        assertEq(received, 1 ether);
        uint256 owed = slasher.creditOf(token, REPORTER) + slasher.creditOf(token, DESTINATION);
        assertEq(owed, token.balanceOf(address(slasher)));
    }

    function test_aSourceIsTakenFromOnce() external {
        bytes32 id = _convict(0);
        vm.prank(STRANGER);
        slasher.collect(id, stake);
        (, uint256 again) = slasher.collect(id, stake);
        assertEq(again, 0);
        assertEq(stake.stakeOf(operatorAt(0)), STAKE / 2);
        assertEq(slasher.creditOf(token, STRANGER), 0);
        vm.expectRevert(refusal(ISlasher.UnknownConviction.selector, bytes32(0)));
        slasher.collect(0, stake);
    }

    function test_aSourceThatFailsIsTriedAgainAndSavesNoOther() external {
        TestStake failing = new TestStake(token);
        failing.setStake(operatorAt(0), STAKE);
        sources.setSource(failing, 10_000, type(uint128).max);
        bytes32 id = _convict(0);
        vm.expectRevert(abi.encodeWithSelector(ISlashableSource.NotTheSlasher.selector, slasher));
        slasher.collect(id, failing);
        assertTrue(!slasher.isCollected(id, address(failing)));
        slasher.collect(id, stake);
        failing.setSlasher(address(slasher));
        slasher.collect(id, failing);
        assertEq(failing.stakeOf(operatorAt(0)), STAKE / 2);
    }

    function test_tooLittleGasBurnsNothing() external {
        bytes32 id = _convict(0);
        for (uint256 gas = 30_000; gas < 200_000; gas += 5_000) {
            (bool isDone,) =
                address(slasher).call{gas: gas}(abi.encodeCall(ISlasher.collect, (id, stake)));
            assertTrue(isDone == slasher.isCollected(id, address(stake)));
            assertTrue(isDone == (stake.stakeOf(operatorAt(0)) == STAKE / 2));
            if (isDone) return;
        }
        assertTrue(false);
    }

    function test_onlySourcesOfTheRegistryAreAsked() external {
        bytes32 id = _convict(0);
        TestStake foreign = new TestStake(token);
        foreign.setSlasher(address(slasher));
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASource.selector, foreign));
        slasher.collect(id, foreign);
        sources.setSource(stake, 0, 1);
        slasher.collect(id, stake);
        assertEq(stake.stakeOf(operatorAt(0)), STAKE / 2);
    }

    function test_whatDoesNotPassThroughIsCreditedToNobody() external {
        stake.mute();
        bytes32 id = _convict(0);
        (IERC20 asset, uint256 received) = slasher.collect(id, stake);
        assertEq(address(asset), address(0));
        assertEq(received, 0);
        assertTrue(slasher.isCollected(id, address(stake)));
        assertEq(slasher.creditOf(asset, DESTINATION), 0);
    }

    function test_aSourceThatComesBackIsRefused() external {
        ReentrantStake reentrant = new ReentrantStake(token);
        reentrant.setSlasher(address(slasher));
        sources.setSource(reentrant, 10_000, type(uint128).max);
        bytes32 id = _convict(0);
        bytes memory refused = abi.encodeWithSignature("ReentrancyGuardReentrantCall()");
        reentrant.comeBackWith(abi.encodeCall(ISlasher.collect, (id, stake)));
        vm.expectRevert(refused);
        slasher.collect(id, reentrant);
        reentrant.comeBackWith(abi.encodeCall(ISlasher.withdraw, (token, DESTINATION)));
        vm.expectRevert(refused);
        slasher.collect(id, reentrant);
    }

    /// @dev Who copies a pending report is the reporter, as the documents say; the conviction stands
    function test_aCopiedReportTakesTheShareAndNothingElse() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        vm.prank(STRANGER);
        bytes32 id = slasher.reportDoubleAttestation(first, second);
        vm.prank(REPORTER);
        assertEq(slasher.reportDoubleAttestation(first, second), id);
        slasher.collect(id, stake);
        assertEq(slasher.creditOf(token, STRANGER), STAKE / 20);
        assertEq(slasher.creditOf(token, REPORTER), 0);
        assertEq(slasher.creditOf(token, DESTINATION), STAKE / 2 - STAKE / 20);
    }

    function testFuzz_slashingOnlyLowersAndTakesNoMoreThanTheFraction(uint64 wad, uint8 convictions)
        external
    {
        wad = uint64(wad % 1 ether) + 1;
        _change(parametersWith(wad));
        registry.fixEpoch(14);
        uint256 left = STAKE;
        uint256 taken = 0;
        for (uint64 height = 0; height < convictions % 4; height++) {
            bytes32 id = slasher.reportDoubleAttestation(
                attestationBy(0, _claim(200 + height, "one")), attestationBy(0, _claim(200 + height, "two"))
            );
            (, uint256 received) = slasher.collect(id, stake);
            assertTrue(received <= left * wad / 1 ether);
            left -= received;
            taken += received;
            assertEq(stake.stakeOf(operatorAt(0)), left);
            assertEq(token.balanceOf(address(slasher)), taken);
        }
        uint256 owed = slasher.creditOf(token, address(this)) + slasher.creditOf(token, DESTINATION);
        assertEq(owed, taken);
        assertTrue(slasher.creditOf(token, address(this)) * 10 <= taken);
        assertEq(stake.stakeOf(operatorAt(1)), STAKE);
    }

    function test_termsAreThoseOfTheConviction() external {
        bytes32 id = _convict(0);
        ISlasher.Parameters memory changed = parametersWith(1 ether);
        changed.reporterShareBps = 0;
        _change(changed);
        slasher.collect(id, stake);
        assertEq(stake.stakeOf(operatorAt(0)), STAKE / 2);
        assertEq(slasher.creditOf(token, REPORTER), STAKE / 20);
        assertEq(abi.encode(slasher.parameters()), abi.encode(changed));
    }

    function test_onlyATimelockWithTheLeastDelayChangesParameters() external {
        ISlasher.Parameters memory changed = parametersWith(1 ether);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, this));
        slasher.setParameters(changed);
        bytes memory shorten = abi.encodeCall(TimelockController.updateDelay, (600));
        _afterDelay(address(timelock), shorten, 601);
        bytes memory data = abi.encodeCall(ISlasher.setParameters, (changed));
        timelock.schedule(address(slasher), 0, data, 0, 0, 601);
        vm.warp(vm.getBlockTimestamp() + 601);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.DelayTooShort.selector, 600, 601));
        timelock.execute(address(slasher), 0, data, 0, 0);
        _afterDelay(address(timelock), abi.encodeCall(TimelockController.updateDelay, (601)), 600);
        timelock.execute(address(slasher), 0, data, 0, 0);
        assertEq(slasher.parameters().wads[0], 1 ether);
    }

    function test_parametersOutOfRangeAreRefused() external {
        ISlasher.Parameters memory changed = parametersWith(0.5 ether);
        changed.reporterShareBps = 1001;
        _refuse(changed);
        changed = parametersWith(0.5 ether);
        changed.destination = address(0);
        _refuse(changed);
        changed = parametersWith(0.5 ether);
        changed.wads[4] = 0;
        _refuse(changed);
        changed.wads[4] = 1 ether + 1;
        _refuse(changed);
    }

    function test_windowsThatDoNotFitAreRefused() external {
        _refuse(ISlasher.Windows({acceptance: 60, challenge: 30, evidence: 90, minimumDelay: 601}));
        _refuse(ISlasher.Windows({acceptance: 0, challenge: 30, evidence: 300, minimumDelay: 601}));
        _refuse(ISlasher.Windows({acceptance: 60, challenge: 0, evidence: 300, minimumDelay: 601}));
        _refuse(ISlasher.Windows({acceptance: 60, challenge: 30, evidence: 300, minimumDelay: 300}));
        ISlasher.Windows memory good = windows();
        good.minimumDelay = 602;
        vm.expectRevert(abi.encodeWithSelector(ISlasher.DelayTooShort.selector, 601, 602));
        new Slasher(address(timelock), registry, good, parametersWith(1));
        vm.expectRevert(refusal(ISlasher.InvalidConfiguration.selector));
        new Slasher(STRANGER, registry, windows(), parametersWith(1));
        assertEq(abi.encode(slasher.windows()), abi.encode(windows()));
    }

    function _refuse(ISlasher.Windows memory windows_) private {
        vm.expectRevert(refusal(ISlasher.InvalidConfiguration.selector));
        new Slasher(address(timelock), registry, windows_, parametersWith(1));
    }

    function _refuse(ISlasher.Parameters memory parameters) private {
        vm.expectRevert(refusal(ISlasher.InvalidConfiguration.selector));
        new Slasher(address(timelock), registry, windows(), parameters);
    }

    function _change(ISlasher.Parameters memory parameters) private {
        _afterDelay(address(slasher), abi.encodeCall(ISlasher.setParameters, (parameters)), 601);
    }

    function _afterDelay(address target, bytes memory data, uint256 delay) private {
        timelock.schedule(target, 0, data, 0, 0, delay);
        vm.warp(vm.getBlockTimestamp() + delay);
        timelock.execute(target, 0, data, 0, 0);
    }

    function _convict(uint256 index) private returns (bytes32 id) {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) =
            _pair(index);
        vm.prank(REPORTER);
        id = slasher.reportDoubleAttestation(first, second);
    }

    function _pair(uint256 index)
        private
        view
        returns (IEvidenceVerifier.Attestation memory, IEvidenceVerifier.Attestation memory)
    {
        return (
            attestationBy(index, claimOf(2, 100, "one")), attestationBy(index, claimOf(2, 100, "two"))
        );
    }

    function _claim(uint64 number, bytes32 blockHash) private pure returns (Certificates.Claim memory) {
        return claimOf(14, number, blockHash);
    }

    /// @dev All of the set before but one
    function _updateBy(uint64 epoch, bytes32 operatorSetHash, uint256 absent)
        private
        view
        returns (Certificates.Signers memory)
    {
        uint256[] memory list = new uint256[](1);
        list[0] = absent;
        return signersWithout(setAt(epoch - 1), list, updateDigestOf(domain, epoch, operatorSetHash));
    }
}
