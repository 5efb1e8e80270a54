// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {FinalityLightClient} from "../src/FinalityLightClient.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

contract LightClientSetsTest is LightClientTestBase {
    function test_followsTheNextEpochsSet() external {
        bytes32 next = _operators(EPOCH + 1).operatorSetHash;
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, next);
        vm.prank(address(0xF00D));
        vm.expectEmit(address(client));
        emit IFinalityLightClient.OperatorSetTrusted(EPOCH + 1, next);
        client.submitSetUpdate(EPOCH + 1, next, signed);
        assertEq(client.newestEpoch(), EPOCH + 1);
        assertEq(client.operatorSetHash(EPOCH + 1), next);

        vm.warp(startOf(EPOCH + 1));
        Certificates.Claim memory claim = claimOf(100, "a");
        (claim.epoch, claim.timestamp) = (EPOCH + 1, startOf(EPOCH + 1));
        assertTrue(submit(claim));
        // The set before still has its window.
        assertTrue(submit(90, "b"));
    }

    function test_theSameUpdateAgainChangesNothing() external {
        bytes32 next = _operators(EPOCH + 1).operatorSetHash;
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, next);
        client.submitSetUpdate(EPOCH + 1, next, signed);
        vm.recordLogs();
        client.submitSetUpdate(EPOCH + 1, next, signed);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_anotherHashForAnEpochThatIsTrustedIsRefused() external {
        bytes32 next = _operators(EPOCH + 1).operatorSetHash;
        client.submitSetUpdate(EPOCH + 1, next, everyoneForUpdate(EPOCH + 1, next));
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, "another");
        _expectNotNext(EPOCH + 1, EPOCH + 1);
        client.submitSetUpdate(EPOCH + 1, "another", signed);
        assertEq(client.operatorSetHash(EPOCH + 1), next);
    }

    function test_noEpochIsJumpedOver() external {
        uint64[5] memory epochs = [uint64(0), EPOCH - 1, EPOCH, EPOCH + 2, type(uint64).max];
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, "next");
        for (uint256 i = 0; i < epochs.length; i++) {
            _expectNotNext(epochs[i], EPOCH);
            client.submitSetUpdate(epochs[i], "next", signed);
        }
    }

    function test_anUpdateNeedsTwoThirdsOfTheSetBefore() external {
        bytes32 digest = updateDigestOf(domain, EPOCH + 1, "next");
        Certificates.Signers memory signed = signersWithout(_operators(EPOCH), indices(2, 4), digest);
        _expectNotValid(Certificates.Code.BelowThreshold);
        client.submitSetUpdate(EPOCH + 1, "next", signed);
        signed = signersWithout(_operators(EPOCH), indices(1, 4), digest);
        _expectNotValid(Certificates.Code.BadSignature);
        client.submitSetUpdate(EPOCH + 1, "another", signed);
        TestSet memory strangers = setOf(EPOCH, 5, 1);
        signed = signersWithout(strangers, new uint256[](0), digest);
        _expectNotValid(Certificates.Code.UnknownOperatorSet);
        client.submitSetUpdate(EPOCH + 1, "next", signed);
    }

    function test_anEmptyHashIsNoSet() external {
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.InvalidConfiguration.selector));
        client.submitSetUpdate(EPOCH + 1, 0, signed);
    }

    function test_aSetThatIsPastItsWindowNamesNoSuccessor() external {
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 1, "next");
        vm.warp(startOf(EPOCH + 1) + WINDOW + 1);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.OperatorSetExpired.selector, EPOCH));
        client.submitSetUpdate(EPOCH + 1, "next", signed);
        vm.warp(startOf(EPOCH + 1) + WINDOW);
        client.submitSetUpdate(EPOCH + 1, "next", signed);
    }

    function test_aSetCannotRunAheadOfTheRegistry() external {
        bytes32 next = _operators(EPOCH + 1).operatorSetHash;
        client.submitSetUpdate(EPOCH + 1, next, everyoneForUpdate(EPOCH + 1, next));
        Certificates.Signers memory signed = everyoneForUpdate(EPOCH + 2, "after");
        uint256 snapshot = startOf(EPOCH + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IFinalityLightClient.EpochTooEarly.selector, EPOCH + 2, snapshot)
        );
        client.submitSetUpdate(EPOCH + 2, "after", signed);
        vm.warp(snapshot);
        client.submitSetUpdate(EPOCH + 2, "after", signed);
    }

    function test_overAGapOnlyTheTimelockTrustsASet() external {
        vm.warp(startOf(EPOCH + 40));
        asOwner(abi.encodeCall(client.trustOperatorSet, (EPOCH + 41, "far")));
        assertEq(client.newestEpoch(), EPOCH + 41);
        vm.prank(address(timelock));
        _expectNotNext(EPOCH + 41, EPOCH + 41);
        client.trustOperatorSet(EPOCH + 41, "another");
        vm.prank(address(timelock));
        _expectNotNext(EPOCH + 2, EPOCH + 41);
        client.trustOperatorSet(EPOCH + 2, "before");
    }

    function test_notEvenTheTimelockTrustsTheLastEpochOfAll() external {
        uint256 snapshot = GENESIS + (uint256(type(uint64).max) - 1) * EPOCH_SECONDS;
        vm.prank(address(timelock));
        vm.expectRevert(
            abi.encodeWithSelector(
                IFinalityLightClient.EpochTooEarly.selector, type(uint64).max, snapshot
            )
        );
        client.trustOperatorSet(type(uint64).max, "brick");
    }

    function _expectNotNext(uint64 epoch, uint64 newest) private {
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.EpochNotNext.selector, epoch, newest));
    }

    function _expectNotValid(Certificates.Code code) private {
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotValid.selector, code));
    }
}

contract LightClientPowersTest is LightClientTestBase {
    function test_nobodyButTheOwnerChangesAnything(address caller) external {
        vm.assume(caller != address(timelock));
        bytes[6] memory calls = [
            abi.encodeCall(client.setPolicy, (IFinalityLightClient.Policy(ROLLUP, 6667, 1))),
            abi.encodeCall(client.trustOperatorSet, (EPOCH + 1, "next")),
            abi.encodeCall(client.resumeRollup, (ROLLUP, 1_000)),
            abi.encodeCall(client.setPaused, (true)),
            abi.encodeCall(client.transferOwnership, (caller)),
            abi.encodeCall(client.renounceOwnership, ())
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(caller);
            (bool isDone, bytes memory reason) = address(client).call(calls[i]);
            assertTrue(!isDone);
            assertEq(reason, abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        }
    }

    function test_theTimelocksDelayComesFirst() external {
        bytes memory call = abi.encodeCall(client.setPaused, (true));
        timelock.schedule(address(client), 0, call, 0, 0, DELAY);
        vm.warp(vm.getBlockTimestamp() + DELAY - 1);
        vm.expectRevert();
        timelock.execute(address(client), 0, call, 0, 0);
        assertTrue(!client.isPaused());
        vm.warp(vm.getBlockTimestamp() + 1);
        timelock.execute(address(client), 0, call, 0, 0);
        assertTrue(client.isPaused());
    }

    function test_refusesPoliciesBelowTheProtocols() external {
        IFinalityLightClient.Policy[7] memory policies = [
            IFinalityLightClient.Policy(0, 6667, 1),
            IFinalityLightClient.Policy(ROLLUP, 0, 1),
            IFinalityLightClient.Policy(ROLLUP, 67, 1),
            IFinalityLightClient.Policy(ROLLUP, 6666, 1),
            IFinalityLightClient.Policy(ROLLUP, 10_001, 1),
            IFinalityLightClient.Policy(ROLLUP, 6667, 0),
            IFinalityLightClient.Policy(ROLLUP, 6667, 3)
        ];
        for (uint256 i = 0; i < policies.length; i++) {
            vm.prank(address(timelock));
            vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.InvalidConfiguration.selector));
            client.setPolicy(policies[i]);
        }
    }

    function test_anotherPolicyIsForLaterCertificatesOnly() external {
        submit(100, "a");
        vm.expectEmit(address(client));
        emit IFinalityLightClient.PolicyChanged(ROLLUP, 9_000, 2);
        vm.prank(address(timelock));
        client.setPolicy(IFinalityLightClient.Policy(ROLLUP, 9_000, 2));
        assertEq(abi.encode(client.policy(ROLLUP)), abi.encode(ROLLUP, 9_000, 2));
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
    }

    function test_refusesAConfigurationThatCannotWork() external {
        IFinalityLightClient.Policy[] memory none = new IFinalityLightClient.Policy[](0);
        for (uint256 i = 0; i < 7; i++) {
            IFinalityLightClient.Network memory network = networkOf();
            address owner = address(timelock);
            bytes32 hash = "set";
            if (i == 0) owner = address(0xE0A);
            if (i == 1) network.domain.chainId = 0;
            if (i == 2) network.domain.verifyingContract = address(0);
            if (i == 3) network.epochSeconds = 0;
            if (i == 4) network.acceptanceWindow = 0;
            if (i == 5) hash = 0;
            if (i == 6) {
                new FinalityLightClient(owner, network, EPOCH, hash, none);
                continue;
            }
            vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.InvalidConfiguration.selector));
            new FinalityLightClient(owner, network, EPOCH, hash, none);
        }
    }

    function test_saysWhatItFollows() external view {
        assertEq(abi.encode(client.network()), abi.encode(networkOf()));
        assertEq(client.owner(), address(timelock));
        assertEq(client.newestEpoch(), EPOCH);
    }
}
