// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {FinalityLightClient} from "../src/FinalityLightClient.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

/// @dev Submits several things in one transaction, as a relayer would: one revert and none is in
contract SubmissionBatch {
    struct Update {
        uint64 epoch;
        bytes32 operatorSetHash;
        Certificates.Signers signed;
    }

    struct Certificate {
        Certificates.Claim claim;
        Certificates.Signers signed;
    }

    function submit(
        FinalityLightClient client,
        Update[] calldata updates,
        Certificate[] calldata certificates
    ) external {
        for (uint256 i = 0; i < updates.length; i++) {
            client.submitSetUpdate(updates[i].epoch, updates[i].operatorSetHash, updates[i].signed);
        }
        for (uint256 i = 0; i < certificates.length; i++) {
            client.submitCertificate(certificates[i].claim, certificates[i].signed);
        }
    }
}

/// @dev What audits found in light clients and bridges of other networks, tried on this one
contract FindingsLightClientTest is LightClientTestBase {
    uint64 private constant LATER = 902;
    address private constant MALLORY = address(0xBAD);

    function test_aThresholdInPerCentIsNoPolicy() external {
        for (uint16 percent = 0; percent <= 100; percent++) {
            vm.prank(address(timelock));
            vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.InvalidConfiguration.selector));
            client.setPolicy(IFinalityLightClient.Policy(ROLLUP, percent, 1));
        }
    }

    /// @dev An old set signed for a chain that was added later, whose records began at zero
    function test_anOldSetSignsNothingForARollupThatIsFollowedLater() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        claim.rollupId = LATER;
        Certificates.Signers memory signed = everyone(claim);
        _expectUnknown(LATER);
        client.submitCertificate(claim, signed);
        asOwner(abi.encodeCall(client.setPolicy, (IFinalityLightClient.Policy(LATER, 6667, 1))));
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.OperatorSetExpired.selector, EPOCH));
        client.submitCertificate(claim, signed);
        assertTrue(!client.isFastFinal(LATER, 100, "a"));
        (uint64 newest,) = client.newestBlock(LATER);
        assertEq(newest, 0);
    }

    function test_noEpochHasADefaultSet() external {
        uint64[3] memory epochs = [uint64(0), EPOCH - 1, EPOCH - 2];
        for (uint256 i = 0; i < epochs.length; i++) {
            Certificates.Claim memory claim = claimOf(100, "a");
            (claim.epoch, claim.timestamp) = (epochs[i], startOf(epochs[i]) + 20);
            Certificates.Signers memory signed = everyone(claim);
            vm.warp(startOf(epochs[i]) + 30);
            vm.expectRevert(
                abi.encodeWithSelector(
                    IFinalityLightClient.NotValid.selector, Certificates.Code.UnknownOperatorSet
                )
            );
            client.submitCertificate(claim, signed);
        }
    }

    function test_rollupZeroIsNobodys() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        claim.rollupId = 0;
        Certificates.Signers memory signed = everyone(claim);
        _expectUnknown(0);
        client.submitCertificate(claim, signed);
    }

    /// @dev An update that somebody else had made reverted the whole batch
    function test_aBatchThatWasFrontRunGoesThrough() external {
        SubmissionBatch batch = new SubmissionBatch();
        bytes32 next = _operators(EPOCH + 1).operatorSetHash;
        bytes32 after_ = _operators(EPOCH + 2).operatorSetHash;
        SubmissionBatch.Update[] memory updates = new SubmissionBatch.Update[](2);
        updates[0] = SubmissionBatch.Update(EPOCH + 1, next, everyoneForUpdate(EPOCH + 1, next));
        updates[1] = SubmissionBatch.Update(EPOCH + 2, after_, everyoneForUpdate(EPOCH + 2, after_));
        SubmissionBatch.Certificate[] memory certificates = new SubmissionBatch.Certificate[](2);
        for (uint64 i = 0; i < 2; i++) {
            Certificates.Claim memory claim = claimOf(100 + i, bytes32(uint256(i) + 1));
            certificates[i] = SubmissionBatch.Certificate(claim, everyone(claim));
        }
        vm.warp(startOf(EPOCH + 1));

        // Somebody was quicker with the first of each kind, and with fewer signers.
        Certificates.Claim memory first = claimOf(100, bytes32(uint256(1)));
        Certificates.Signers memory weaker =
            signersWithout(_operators(EPOCH), indices(1, 4), digestOf(domain, first));
        vm.prank(MALLORY);
        client.submitCertificate(first, weaker);
        weaker = signersWithout(_operators(EPOCH), indices(1, 4), updateDigestOf(domain, EPOCH + 1, next));
        vm.prank(MALLORY);
        client.submitSetUpdate(EPOCH + 1, next, weaker);

        batch.submit(client, updates, certificates);
        // All of it once more, and the older update too, is no error either.
        batch.submit(client, updates, certificates);
        assertEq(client.newestEpoch(), EPOCH + 2);
        assertTrue(client.isFastFinal(ROLLUP, 100, bytes32(uint256(1))));
        assertTrue(client.isFastFinal(ROLLUP, 101, bytes32(uint256(2))));
    }

    function test_whoReportsAConflictSecondFindsTheRollupFrozen() external {
        submit(100, "a");
        Certificates.Claim memory other = claimOf(100, "b");
        Certificates.Signers memory signed = everyone(other);
        vm.prank(MALLORY);
        assertTrue(!client.submitCertificate(other, signed));
        (IFinalityLightClient.Conflict memory before,) = client.conflict(ROLLUP);

        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.submitCertificate(other, signed);
        Certificates.Claim memory third = claimOf(100, "c");
        signed = everyone(third);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.submitCertificate(third, signed);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.submitFork(ROLLUP, 100, new bytes[](1));
        (IFinalityLightClient.Conflict memory kept, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(isFrozen);
        assertEq(abi.encode(kept), abi.encode(before));
    }

    function test_nobodyOutrunsAResumptionThatWaitsInTheTimelock() external {
        submit(100, "a");
        submit(100, "b");
        bytes memory data = abi.encodeCall(client.resumeRollup, (ROLLUP, 100));
        timelock.schedule(address(client), 0, data, 0, 0, DELAY);
        // A greater height than the floor that was scheduled would stop it, if it were held.
        Certificates.Claim memory greater = claimOf(200, "d");
        Certificates.Signers memory signed = everyone(greater);
        vm.prank(MALLORY);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.submitCertificate(greater, signed);
        vm.warp(vm.getBlockTimestamp() + DELAY);
        timelock.execute(address(client), 0, data, 0, 0);
        (, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(!isFrozen);
    }

    function test_nobodyPushesABlockOutWithLesserHeights() external {
        submit(1_000, "top");
        for (uint64 i = 1; i <= 20; i++) {
            vm.prank(MALLORY);
            submit(i, bytes32(uint256(i)));
        }
        assertTrue(client.isFastFinal(ROLLUP, 1_000, "top"));
        (uint64 newest, bytes32 blockHash) = client.newestBlock(ROLLUP);
        assertEq(newest, 1_000);
        assertEq(blockHash, "top");
    }

    /// @dev A level that was cut to a byte passed for another
    function test_aLevelBeyondItsByteIsRefusedNotCut() external {
        vm.prank(address(timelock));
        client.setPolicy(IFinalityLightClient.Policy(ROLLUP, 6667, 2));
        Certificates.Claim memory claim = claimOf(100, "a");
        bytes memory data = abi.encodeCall(client.submitCertificate, (claim, everyone(claim)));
        // The claim's eighth word, behind the selector: 258 for 2.
        data[4 + 7 * 32 + 30] = 0x01;
        (bool isDone, bytes memory reason) = address(client).call(data);
        assertTrue(!isDone && reason.length == 0);
        assertTrue(!client.isFastFinal(ROLLUP, 100, "a"));
        assertTrue(submit(claim));
    }

    function _expectUnknown(uint64 rollupId) private {
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.UnknownRollup.selector, rollupId));
    }
}
