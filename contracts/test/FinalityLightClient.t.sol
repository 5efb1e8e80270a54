// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {Headers} from "../src/libraries/Headers.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

contract LightClientCertificatesTest is LightClientTestBase {
    function test_holdsWhatIsCertifiedAndNothingElse() external {
        assertTrue(submit(100, "a"));
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
        assertTrue(!client.isFastFinal(ROLLUP, 100, "b"));
        assertTrue(!client.isFastFinal(ROLLUP, 99, "a"));
        assertTrue(!client.isFastFinal(ROLLUP, 0, 0));
        assertTrue(!client.isFastFinal(ROLLUP, 101, 0));
        assertTrue(!client.isFastFinal(ROLLUP + 1, 100, "a"));
    }

    function test_theSameCertificateAgainChangesNothingWhoeverCameFirst() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        Certificates.Signers memory weaker =
            signersWithout(_operators(EPOCH), indices(1, 4), digestOf(domain, claim));
        vm.prank(address(0xF00D));
        client.submitCertificate(claim, everyone(claim));
        vm.recordLogs();
        assertTrue(client.submitCertificate(claim, weaker));
        assertTrue(client.submitCertificate(claim, everyone(claim)));
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_announcesTheCertificatesId() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        bytes32 id = keccak256(
            abi.encode(digestOf(domain, claim), _operators(EPOCH).operatorSetHash, keccak256(hex"0f"))
        );
        vm.expectEmit(address(client));
        emit IFinalityLightClient.CertificateAccepted(ROLLUP, 100, "a", id);
        submit(claim);
    }

    function test_refusesWhatTheCheckRefuses() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        Certificates.Signers memory signed = everyone(claim);
        claim.blockHash = "b";
        _expectNotValid(claim, signed, Certificates.Code.BadSignature);
        claim = claimOf(100, "a");
        signed = signersWithout(_operators(EPOCH), indices(2, 4), digestOf(domain, claim));
        _expectNotValid(claim, signed, Certificates.Code.BelowThreshold);
        signed.paths = new bytes32[](1);
        _expectNotValid(claim, signed, Certificates.Code.Malformed);
        claim.epoch = EPOCH + 1;
        claim.timestamp = startOf(EPOCH + 1);
        _expectNotValid(claim, everyone(claim), Certificates.Code.UnknownOperatorSet);
    }

    function test_refusesATimestampOutsideItsEpoch() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        uint64[4] memory outside =
            [startOf(EPOCH) - 1, startOf(EPOCH + 1), GENESIS - 1, type(uint64).max];
        for (uint256 i = 0; i < outside.length; i++) {
            claim.timestamp = outside[i];
            _expectNotValid(claim, everyone(claim), Certificates.Code.EpochMismatch);
        }
        claim.timestamp = startOf(EPOCH + 1) - 1;
        assertTrue(submit(claim));
    }

    function test_asksForTheRollupsThresholdAndLevel() external {
        asOwner(abi.encodeCall(client.setPolicy, (IFinalityLightClient.Policy(ROLLUP, 10_000, 2))));
        vm.warp(startOf(EPOCH) + 30);
        Certificates.Claim memory claim = claimOf(100, "a");
        Certificates.Signers memory three =
            signersWithout(_operators(EPOCH), indices(1, 4), digestOf(domain, claim));
        _expectNotValid(claim, three, Certificates.Code.BelowThreshold);
        claim.verification = 1;
        Certificates.Signers memory signed = everyone(claim);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.VerificationTooLow.selector, 1, 2));
        client.submitCertificate(claim, signed);
        claim.verification = 2;
        assertTrue(submit(claim));
    }

    function test_aRollupThatIsNotFollowedHasNoDefaults() external {
        uint64[2] memory unknown = [uint64(0), 902];
        for (uint256 i = 0; i < unknown.length; i++) {
            Certificates.Claim memory claim = claimOf(100, "a");
            claim.rollupId = unknown[i];
            Certificates.Signers memory signed = everyone(claim);
            vm.expectRevert(
                abi.encodeWithSelector(IFinalityLightClient.UnknownRollup.selector, unknown[i])
            );
            client.submitCertificate(claim, signed);
        }
    }

    function test_acceptsUntilTheWindowAfterTheEpochIsOverAndKeepsWhatItHolds() external {
        uint256 last = startOf(EPOCH + 1) + WINDOW;
        vm.warp(last);
        assertTrue(submit(100, "a"));
        vm.warp(last + 1);
        Certificates.Claim memory claim = claimOf(101, "b");
        Certificates.Signers memory signed = everyone(claim);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.OperatorSetExpired.selector, EPOCH));
        client.submitCertificate(claim, signed);
        vm.warp(last + 365 days);
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
    }

    function test_heightZeroIsNoCertifiedBlock() external {
        Certificates.Claim memory claim = claimOf(0, "a");
        Certificates.Signers memory signed = everyone(claim);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.HeightTooLow.selector, 0, 0));
        client.submitCertificate(claim, signed);
    }

    /// forge-config: default.fuzz.runs = 8
    function test_holdsTheGreatestHeightsInWhateverOrderTheyCome(uint256 seed) external {
        uint64[24] memory heights;
        for (uint64 i = 0; i < 24; i++) {
            heights[i] = 10 * (i + 1);
        }
        for (uint256 i = 24; i > 1; i--) {
            uint256 other = uint256(keccak256(abi.encode(seed, i))) % i;
            (heights[i - 1], heights[other]) = (heights[other], heights[i - 1]);
        }
        for (uint256 i = 0; i < 24; i++) {
            submit(heights[i], bytes32(uint256(heights[i])));
        }
        for (uint64 height = 10; height <= 240; height += 10) {
            assertTrue(client.isFastFinal(ROLLUP, height, bytes32(uint256(height))) == (height > 80));
        }
        (uint64 newest, bytes32 blockHash) = client.newestBlock(ROLLUP);
        assertEq(newest, 240);
        assertEq(blockHash, bytes32(uint256(240)));
    }

    function test_aLesserHeightThanAllThatAreHeldIsNotHeldAndNoError() external {
        for (uint64 i = 0; i < 16; i++) {
            submit(100 + i, "a");
        }
        assertTrue(!submit(99, "a"));
        assertTrue(!client.isFastFinal(ROLLUP, 99, "a"));
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
    }

    function test_nothingNewWhilePausedAndWhatIsHeldStays() external {
        submit(100, "a");
        asOwner(abi.encodeCall(client.setPaused, (true)));
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
        Certificates.Claim memory claim = claimOf(101, "b");
        Certificates.Signers memory signed = everyone(claim);
        vm.warp(startOf(EPOCH) + 30);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.CertificatesPaused.selector));
        client.submitCertificate(claim, signed);
        asOwner(abi.encodeCall(client.setPaused, (false)));
        vm.warp(startOf(EPOCH) + 30);
        assertTrue(client.submitCertificate(claim, signed));
    }

    function _expectNotValid(
        Certificates.Claim memory claim,
        Certificates.Signers memory signed,
        Certificates.Code code
    ) private {
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotValid.selector, code));
        client.submitCertificate(claim, signed);
        assertTrue(!client.isFastFinal(ROLLUP, claim.blockNumber, claim.blockHash));
    }
}

contract LightClientConflictsTest is LightClientTestBase {
    function test_anotherClaimAtAHeldHeightFreezesAndIsNeverHeld() external {
        submit(100, "a");
        submit(90, "z");
        Certificates.Claim memory other = claimOf(100, "b");
        Certificates.Claim memory first = claimOf(100, "a");
        IFinalityLightClient.Conflict memory expected = IFinalityLightClient.Conflict(
            100,
            IFinalityLightClient.Held("a", digestOf(domain, first)),
            IFinalityLightClient.Held("b", digestOf(domain, other))
        );
        vm.expectEmit(address(client));
        emit IFinalityLightClient.RollupFroze(ROLLUP, expected);
        assertTrue(!submit(other));
        assertTrue(!client.isFastFinal(ROLLUP, 100, "a"));
        assertTrue(!client.isFastFinal(ROLLUP, 100, "b"));
        assertTrue(!client.isFastFinal(ROLLUP, 90, "z"));
        (IFinalityLightClient.Conflict memory conflict, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(isFrozen);
        assertEq(abi.encode(conflict), abi.encode(expected));
        (uint64 newest,) = client.newestBlock(ROLLUP);
        assertEq(newest, 0);

        Certificates.Signers memory signed = everyone(first);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.submitCertificate(first, signed);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        client.ancestorOf(ROLLUP, 100, new bytes[](0));
    }

    /// forge-config: default.fuzz.runs = 16
    function test_neverHoldsTwoBlocksAtOneHeight(uint256 seed) external {
        bytes32[7] memory held;
        bool isConflicting = false;
        for (uint256 i = 0; i < 10 && !isConflicting; i++) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint64 height = uint64(random % 6) + 1;
            bytes32 blockHash = random >> 128 & 7 == 0 ? bytes32("fork") : bytes32("block");
            isConflicting = held[height] != 0 && held[height] != blockHash;
            assertTrue(submit(height, blockHash) == !isConflicting);
            held[height] = blockHash;
        }
        for (uint64 height = 1; height < 7; height++) {
            bool isBlock = client.isFastFinal(ROLLUP, height, "block");
            bool isFork = client.isFastFinal(ROLLUP, height, "fork");
            assertTrue(!(isBlock && isFork));
            assertTrue((isBlock || isFork) == (held[height] != 0 && !isConflicting));
        }
    }

    function test_oneBlockWithTwoStateRootsIsAConflict() external {
        Certificates.Claim memory claim = claimOf(100, "a");
        submit(claim);
        claim.stateRoot = "another";
        submit(claim);
        (, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(isFrozen);
    }

    function test_aConflictBelowTheLeastLevelFreezesToo() external {
        asOwner(abi.encodeCall(client.setPolicy, (IFinalityLightClient.Policy(ROLLUP, 6667, 2))));
        vm.warp(startOf(EPOCH) + 30);
        submit(100, "a");
        Certificates.Claim memory claim = claimOf(100, "b");
        claim.verification = 1;
        submit(claim);
        (, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(isFrozen);
    }

    function test_aForgedConflictFreezesNothing() external {
        submit(100, "a");
        Certificates.Signers memory signed = everyone(claimOf(100, "a"));
        Certificates.Claim memory claim = claimOf(100, "b");
        vm.expectRevert(
            abi.encodeWithSelector(IFinalityLightClient.NotValid.selector, Certificates.Code.BadSignature)
        );
        client.submitCertificate(claim, signed);
        assertTrue(client.isFastFinal(ROLLUP, 100, "a"));
    }

    function test_oneRollupsConflictStopsNoOther() external {
        asOwner(abi.encodeCall(client.setPolicy, (IFinalityLightClient.Policy(902, 6667, 1))));
        vm.warp(startOf(EPOCH) + 30);
        Certificates.Claim memory other = claimOf(100, "c");
        other.rollupId = 902;
        submit(other);
        submit(100, "a");
        submit(100, "b");
        assertTrue(client.isFastFinal(902, 100, "c"));
    }

    function test_blocksOfTwoBranchesFreeze() external {
        bytes[] memory headers = _headers(3, "root");
        submit(103, keccak256(headers[0]));
        submit(100, "another root");
        client.submitFork(ROLLUP, 103, headers);
        (IFinalityLightClient.Conflict memory conflict, bool isFrozen) = client.conflict(ROLLUP);
        assertTrue(isFrozen);
        assertEq(conflict.blockNumber, 100);
        assertEq(conflict.held.blockHash, "another root");
        assertEq(conflict.other.blockHash, keccak256(headers[0]));
    }

    function test_blocksOfOneBranchDoNotFreeze() external {
        bytes[] memory headers = _headers(3, "root");
        submit(103, keccak256(headers[0]));
        submit(100, "root");
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotConflicting.selector));
        client.submitFork(ROLLUP, 103, headers);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotConflicting.selector));
        client.submitFork(ROLLUP, 103, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotHeld.selector, ROLLUP, 102));
        client.submitFork(ROLLUP, 102, headers);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotHeld.selector, ROLLUP, 101));
        client.submitFork(ROLLUP, 103, _first(headers, 2));
        (headers[1], headers[2]) = (headers[2], headers[1]);
        vm.expectRevert(abi.encodeWithSelector(Headers.BrokenHeaderChain.selector, 1));
        client.submitFork(ROLLUP, 103, headers);
    }

    function test_resumesOnlyAboveAllThatItHeld() external {
        submit(100, "a");
        submit(120, "c");
        submit(100, "b");
        bytes memory call = abi.encodeCall(client.resumeRollup, (ROLLUP, 119));
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.HeightTooLow.selector, 119, 120));
        client.resumeRollup(ROLLUP, 119);
        call = abi.encodeCall(client.resumeRollup, (ROLLUP, 120));
        asOwner(call);
        vm.warp(startOf(EPOCH) + 30);
        assertTrue(!client.isFastFinal(ROLLUP, 100, "a"));
        assertTrue(!client.isFastFinal(ROLLUP, 120, "c"));
        Certificates.Claim memory claim = claimOf(120, "c");
        Certificates.Signers memory signed = everyone(claim);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.HeightTooLow.selector, 120, 120));
        client.submitCertificate(claim, signed);
        assertTrue(submit(121, "d"));
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupNotFrozen.selector, ROLLUP));
        client.resumeRollup(ROLLUP, 200);
    }

    function test_provesAnAncestorByItsHeaders() external {
        bytes[] memory headers = _headers(5, "root");
        submit(105, keccak256(headers[0]));
        for (uint256 depth = 0; depth <= 5; depth++) {
            (uint64 number, bytes32 blockHash) = client.ancestorOf(ROLLUP, 105, _first(headers, depth));
            assertEq(number, 105 - depth);
            assertEq(blockHash, depth == 5 ? bytes32("root") : keccak256(headers[depth]));
        }
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotHeld.selector, ROLLUP, 104));
        client.ancestorOf(ROLLUP, 104, _first(headers, 1));
        headers[2][5] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(Headers.BrokenHeaderChain.selector, 2));
        client.ancestorOf(ROLLUP, 105, headers);
    }

    function test_readsEraVmsPreimagesAndRefusesOtherBytes() external {
        bytes memory era = abi.encode(uint256(1), uint256(2), bytes32("parent"), bytes32("transactions"));
        submit(100, keccak256(era));
        bytes[] memory headers = new bytes[](1);
        headers[0] = era;
        (, bytes32 parent) = client.ancestorOf(ROLLUP, 100, headers);
        assertEq(parent, "parent");
        bytes[6] memory refused = [
            bytes(""),
            hex"c0",
            abi.encodePacked(hex"f840a0", new bytes(62)),
            abi.encodePacked(hex"f83fa0", new bytes(60)),
            abi.encodePacked(hex"f83fa1", new bytes(62)),
            abi.encodePacked(hex"ff", type(uint256).max, new bytes(62))
        ];
        for (uint64 i = 0; i < 6; i++) {
            submit(101 + i, keccak256(refused[i]));
            headers[0] = refused[i];
            vm.expectRevert(abi.encodeWithSelector(Headers.InvalidHeader.selector));
            client.ancestorOf(ROLLUP, 101 + i, headers);
        }
    }

    /// @dev Newest first; the last one's parent is the root
    function _headers(uint256 count, bytes32 root) private pure returns (bytes[] memory headers) {
        headers = new bytes[](count);
        bytes32 parent = root;
        for (uint256 i = count; i > 0; i--) {
            bytes[] memory fields = new bytes[](3);
            fields[0] = RLP.encode(parent);
            fields[1] = RLP.encode(i);
            fields[2] = RLP.encode(new bytes(i == 1 ? 500 : 30));
            headers[i - 1] = RLP.encode(fields);
            parent = keccak256(headers[i - 1]);
        }
    }

    function _first(bytes[] memory headers, uint256 count) private pure returns (bytes[] memory part) {
        part = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            part[i] = headers[i];
        }
    }
}

/// @dev What a relayer pays for, in snapshots/: execution gas with cold storage
contract LightClientGasTest is LightClientTestBase {
    function test_submissionsCostWhatTheSnapshotSays() external {
        for (uint64 i = 0; i < 16; i++) {
            _submit(100 + i);
        }
        vm.snapshotValue("FinalityLightClient", "certificate over an older block", _submit(116));
        vm.snapshotValue("FinalityLightClient", "certificate that is held already", _submit(116));
    }

    function _submit(uint64 blockNumber) private returns (uint256) {
        Certificates.Claim memory claim = claimOf(blockNumber, "a");
        Certificates.Signers memory signed = everyone(claim);
        vm.cool(address(client));
        client.submitCertificate(claim, signed);
        return vm.lastCallGas().gasTotalUsed;
    }
}
