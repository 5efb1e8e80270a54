// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {SlasherTestBase, SettlementDouble} from "./SlasherTestBase.sol";

/// @dev What convicts at once
contract SlasherTest is SlasherTestBase {
    bytes32 private constant ONE = keccak256("one");
    bytes32 private constant OTHER = keccak256("other");

    function test_twoAttestationsAtOneHeightConvict() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        vm.prank(REPORTER);
        bytes32 id = slasher.reportDoubleAttestation(first, second);
        ISlasher.Conviction memory conviction = slasher.conviction(id);
        assertEq(id, slasher.convictionIdAt(operatorAt(0), ROLLUP, 100));
        assertEq(conviction.operator, operatorAt(0));
        assertEq(conviction.time, vm.getBlockTimestamp());
        assertEq(uint256(conviction.kind), uint256(ISlasher.Kind.DoubleAttestation));
        assertEq(conviction.reporter, REPORTER);
        assertEq(conviction.wad, 0.5 ether);
        assertEq(conviction.reporterShareBps, 1000);
    }

    function test_twoAttestationsOfTwoEpochsConvict() external {
        slasher.reportDoubleAttestation(
            attestationBy(2, claimOf(2, 100, ONE)), attestationBy(2, claimOf(3, 100, ONE))
        );
        assertTrue(isConvicted(2, 100));
    }

    function test_anyFieldThatDiffersMakesAnotherClaim() external {
        Certificates.Claim memory claim = claimOf(2, 100, ONE);
        claim.outputRoot = OTHER;
        slasher.reportDoubleAttestation(attestationBy(0, claimOf(2, 100, ONE)), attestationBy(0, claim));
        assertTrue(isConvicted(0, 100));
    }

    function test_oneClaimTwiceOrOfOtherHeightsOrRollupsConvictsNobody() external {
        IEvidenceVerifier.Attestation memory first = attestationBy(0, claimOf(2, 100, ONE));
        bytes memory refused = refusal(ISlasher.NotConflicting.selector);
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, first);
        IEvidenceVerifier.Attestation memory second = attestationBy(0, claimOf(2, 101, OTHER));
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        Certificates.Claim memory claim = claimOf(2, 100, OTHER);
        claim.rollupId = NO_SETTLEMENT;
        second = attestationBy(0, claim);
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
    }

    function test_twoOperatorsAreNotOne() external {
        IEvidenceVerifier.Attestation memory first = attestationBy(0, claimOf(2, 100, ONE));
        IEvidenceVerifier.Attestation memory second = attestationBy(1, claimOf(2, 100, OTHER));
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(0)));
        slasher.reportDoubleAttestation(first, second);
    }

    function test_aSignatureOfAnotherKeyOrClaimConvictsNobody() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        bytes memory refused = refusal(IEvidenceVerifier.BadSignature.selector);
        bytes32[8] memory good = second.signature;
        second.signature = signatureBy(FIRST_SECRET + 1, digestOf(domain, second.claim));
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.signature = first.signature;
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        delete second.signature;
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.signature = good;
        second.signature[7] ^= bytes32(uint256(1));
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.signature = good;
        domain.chainId = 1;
        first = attestationBy(0, first.claim);
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
    }

    /// @dev The sum is what is checked: signatures that were shifted against each other still show that
    /// the key signed both claims. Nobody without both good ones could have made them.
    function test_shiftedSignaturesProveThatBothWereMade() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        bytes memory shift = sign(7, "shift", ONE);
        bytes memory minus = sign(CURVE_ORDER - 7, "shift", ONE);
        first.signature = _add(first.signature, shift);
        second.signature = _add(second.signature, minus);
        slasher.reportDoubleAttestation(first, second);
        assertTrue(isConvicted(0, 100));
    }

    function test_anInnerNodeAnotherPathOrAnotherSetProvesNoMember() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        bytes memory refused = abi.encodeWithSelector(IEvidenceVerifier.NotAMember.selector, operatorAt(0));
        bytes32[] memory path = second.membership.path;
        second.membership.path = new bytes32[](1);
        second.membership.path[0] = path[1];
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.membership.path = pathOf(setAt(2).leaves, 1);
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.membership.path = path;
        second.membership.member.index = 4;
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.membership.member.index = 0;
        second.membership.member.weight = 2;
        vm.expectRevert(refused);
        slasher.reportDoubleAttestation(first, second);
        second.membership.member.weight = 1;
        second.operatorSet = setAt(3).preimage;
        vm.expectRevert(abi.encodeWithSelector(IEvidenceVerifier.UnknownOperatorSet.selector, 2));
        slasher.reportDoubleAttestation(first, second);
        second = attestationBy(0, claimOf(5, 100, OTHER));
        vm.expectRevert(abi.encodeWithSelector(IEvidenceVerifier.UnknownOperatorSet.selector, 5));
        slasher.reportDoubleAttestation(first, second);
    }

    function test_anAttestationAgainstACertificateConvictsItsSigner() external {
        IEvidenceVerifier.Certificate memory certificate = certificateWithout(claimOf(2, 100, ONE), 3);
        slasher.reportAttestationAgainstCertificate(
            attestationBy(1, claimOf(2, 100, OTHER)), certificate, membershipOf(2, 1)
        );
        assertTrue(isConvicted(1, 100));
    }

    function test_whoIsNotInTheCertificateIsNotConvictedByIt() external {
        IEvidenceVerifier.Certificate memory certificate = certificateWithout(claimOf(2, 100, ONE), 3);
        IEvidenceVerifier.Attestation memory attestation = attestationBy(3, claimOf(2, 100, OTHER));
        IEvidenceVerifier.Membership memory own = membershipOf(2, 3);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(3)));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
        IEvidenceVerifier.Membership memory foreign = membershipOf(2, 1);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(3)));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, foreign);
        foreign.member.operator = operatorAt(3);
        vm.expectRevert(abi.encodeWithSelector(IEvidenceVerifier.NotAMember.selector, operatorAt(3)));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, foreign);
    }

    function test_anAttestationForTheCertificateConvictsNobody() external {
        IEvidenceVerifier.Certificate memory certificate = certificateOf(claimOf(2, 100, ONE));
        IEvidenceVerifier.Attestation memory attestation = attestationBy(1, claimOf(2, 100, ONE));
        IEvidenceVerifier.Membership memory own = membershipOf(2, 1);
        vm.expectRevert(refusal(ISlasher.NotConflicting.selector));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
        attestation = attestationBy(1, claimOf(2, 100, OTHER));
        attestation.signature = certificate.signed.signature;
        vm.expectRevert(refusal(IEvidenceVerifier.BadSignature.selector));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
    }

    function test_aCertificateThatIsNoneConvictsNobody() external {
        uint256[] memory half = new uint256[](2);
        half[1] = 1;
        IEvidenceVerifier.Certificate memory certificate = certificateWithout(claimOf(2, 100, ONE), half);
        IEvidenceVerifier.Attestation memory attestation = attestationBy(3, claimOf(2, 100, OTHER));
        IEvidenceVerifier.Membership memory own = membershipOf(2, 3);
        vm.expectRevert(_notValid(Certificates.Code.BelowThreshold));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
        Certificates.Claim memory claim = claimOf(2, 100, ONE);
        claim.timestamp = startOf(3);
        certificate = certificateOf(claim);
        vm.expectRevert(_notValid(Certificates.Code.EpochMismatch));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
        certificate = certificateOf(claimOf(2, 100, ONE));
        certificate.signed.signature = attestation.signature;
        vm.expectRevert(_notValid(Certificates.Code.BadSignature));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
    }

    function test_theThresholdIsTheRollupsInTheClaimsEpoch() external {
        registry.setRollup(ROLLUP, "op", 1, 10_000, 2, address(settlement));
        vm.warp(startOf(5));
        registry.fixEpoch(5);
        registry.fixEpoch(6);
        vm.warp(startOf(6) + 10);
        IEvidenceVerifier.Certificate memory certificate = certificateWithout(claimOf(6, 100, ONE), 3);
        IEvidenceVerifier.Attestation memory attestation = attestationBy(0, claimOf(6, 100, OTHER));
        IEvidenceVerifier.Membership memory own = membershipOf(6, 0);
        vm.expectRevert(_notValid(Certificates.Code.BelowThreshold));
        slasher.reportAttestationAgainstCertificate(attestation, certificate, own);
    }

    function test_twoCertificatesAtOneHeightConvictWhoIsInBoth() external {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) = _ordered(
            certificateWithout(claimOf(2, 100, ONE), 0), certificateWithout(claimOf(2, 100, OTHER), 3)
        );
        bytes32 id = slasher.reportConflict(lower, higher, accusedOf(2, 2, 1));
        assertTrue(isConvicted(1, 100));
        assertTrue(!isConvicted(2, 100));
        Certificates.OperatorSet memory set = setAt(2).preimage;
        slasher.convict(id, set, set, accusedOf(2, 2, 2));
        assertTrue(isConvicted(2, 100));
        for (uint256 i = 0; i < 4; i += 3) {
            ISlasher.Accused[] memory accused = accusedOf(2, 2, i);
            vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(i)));
            slasher.convict(id, set, set, accused);
        }
    }

    function test_theSetsOfTwoCertificatesMayDiffer() external {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) =
            _ordered(certificateOf(claimOf(2, 100, ONE)), certificateOf(claimOf(3, 100, OTHER)));
        (uint64 low, uint64 high) = (lower.claim.epoch, higher.claim.epoch);
        ISlasher.Accused[] memory accused = accusedOf(low, high, 1);
        accused[0].inHigher = membershipOf(high, 2);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(1)));
        slasher.reportConflict(lower, higher, accused);
        slasher.reportConflict(lower, higher, accusedOf(low, high, 1));
        assertTrue(isConvicted(1, 100));
    }

    function test_certificatesThatDoNotConflictAreRefused() external {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) =
            _ordered(certificateOf(claimOf(2, 100, ONE)), certificateOf(claimOf(2, 100, OTHER)));
        bytes memory refused = refusal(ISlasher.NotConflicting.selector);
        ISlasher.Accused[] memory none = nobody();
        vm.expectRevert(refused);
        slasher.reportConflict(higher, lower, none);
        vm.expectRevert(refused);
        slasher.reportConflict(lower, lower, none);
        lower = certificateOf(claimOf(2, 101, ONE));
        vm.expectRevert(refused);
        slasher.reportConflict(lower, higher, none);
        Certificates.Claim memory claim = claimOf(2, 100, ONE);
        claim.rollupId = NO_SETTLEMENT;
        lower = certificateOf(claim);
        vm.expectRevert(refused);
        slasher.reportConflict(lower, higher, none);
    }

    function test_evidenceConvictsUntilItsDeadline() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        vm.warp(deadlineOf(2) + 1);
        vm.expectRevert(refusal(ISlasher.EvidenceExpired.selector, deadlineOf(2)));
        slasher.reportDoubleAttestation(first, second);
        vm.warp(deadlineOf(2));
        slasher.reportDoubleAttestation(first, second);
        assertTrue(isConvicted(0, 100));
    }

    function test_theLaterOfTwoEpochsCounts() external {
        IEvidenceVerifier.Attestation memory first = attestationBy(0, claimOf(1, 100, ONE));
        IEvidenceVerifier.Attestation memory second = attestationBy(0, claimOf(4, 100, OTHER));
        vm.warp(deadlineOf(4) + 1);
        vm.expectRevert(refusal(ISlasher.EvidenceExpired.selector, deadlineOf(4)));
        slasher.reportDoubleAttestation(first, second);
        vm.warp(deadlineOf(4));
        slasher.reportDoubleAttestation(second, first);
        assertTrue(isConvicted(0, 100));
    }

    function test_anOperatorIsConvictedOncePerHeightWhateverTheKind() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(1);
        vm.prank(REPORTER);
        bytes32 id = slasher.reportDoubleAttestation(first, second);
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) =
            _ordered(certificateOf(claimOf(2, 100, ONE)), certificateOf(claimOf(2, 100, OTHER)));
        slasher.reportConflict(lower, higher, accusedOf(2, 2, 1));
        assertEq(slasher.reportAttestationAgainstCertificate(second, lower, membershipOf(2, 1)), id);
        settlement.settle("game", ONE, keccak256("another output"));
        slasher.reportSettlementLie(certificateOf(claimOf(2, 100, ONE)), "game", membershipsOf(2, 1));
        ISlasher.Conviction memory conviction = slasher.conviction(id);
        assertEq(uint256(conviction.kind), uint256(ISlasher.Kind.DoubleAttestation));
        assertEq(conviction.reporter, REPORTER);
        slasher.reportDoubleAttestation(
            attestationBy(1, claimOf(2, 101, ONE)), attestationBy(1, claimOf(2, 101, OTHER))
        );
        assertTrue(isConvicted(1, 101));
    }

    function test_aLieAboutASettledBlockConvictsItsSigners() external {
        IEvidenceVerifier.Certificate memory certificate = certificateWithout(claimOf(2, 100, ONE), 0);
        IEvidenceVerifier.Membership[] memory accused = membershipsOf(2, 1);
        vm.expectRevert(refusal(SettlementDouble.NotSettled.selector));
        slasher.reportSettlementLie(certificate, "game", accused);
        settlement.settle("same", ONE, certificate.claim.outputRoot);
        settlement.settle("other block", OTHER, OTHER);
        bytes memory refused = refusal(ISlasher.NotALie.selector);
        vm.expectRevert(refused);
        slasher.reportSettlementLie(certificate, "same", accused);
        vm.expectRevert(refused);
        slasher.reportSettlementLie(certificate, "other block", accused);
        settlement.settle("game", ONE, OTHER);
        IEvidenceVerifier.Membership[] memory absent = membershipsOf(2, 0);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(0)));
        slasher.reportSettlementLie(certificate, "game", absent);
        slasher.reportSettlementLie(certificate, "game", accused);
        assertTrue(isConvicted(1, 100));
        assertTrue(!isConvicted(0, 100));
    }

    function test_onlyOpAndOrbitConfirmWhatClaimsName() external {
        SettlementDouble zk = new SettlementDouble(903);
        SettlementDouble orbit = new SettlementDouble(904);
        registry.addRollup(903, "zk", 1, 6667, 2, address(zk));
        registry.addRollup(904, "orbit", 1, 6667, 2, address(orbit));
        vm.warp(startOf(6) + 10);
        registry.fixEpoch(6);
        zk.settle("batch", ONE, OTHER);
        orbit.settle("assertion", ONE, OTHER);
        Certificates.Claim memory claim = claimOf(6, 100, ONE);
        IEvidenceVerifier.Membership[] memory accused = membershipsOf(6, 1);
        claim.rollupId = 903;
        IEvidenceVerifier.Certificate memory certificate = certificateOf(claim);
        vm.expectRevert(refusal(ISlasher.NotALie.selector));
        slasher.reportSettlementLie(certificate, "batch", accused);
        claim.rollupId = NO_SETTLEMENT;
        certificate = certificateOf(claim);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NoSettlement.selector, NO_SETTLEMENT, 6));
        slasher.reportSettlementLie(certificate, "batch", accused);
        claim.rollupId = 905;
        certificate = certificateOf(claim);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownRollup.selector, 905));
        slasher.reportSettlementLie(certificate, "batch", accused);
        claim.rollupId = 904;
        slasher.reportSettlementLie(certificateOf(claim), "assertion", accused);
        assertTrue(slasher.conviction(slasher.convictionIdAt(operatorAt(1), 904, 100)).time != 0);
    }

    /// @dev A pair of attestations costs what two precompiled sums and one pairing cost, and records
    function test_gasOfADoubleAttestation() external {
        (IEvidenceVerifier.Attestation memory first, IEvidenceVerifier.Attestation memory second) = _pair(0);
        slasher.evidenceVerifier().checkAttestations(first, second);
        vm.snapshotValue("Slasher", "two attestations checked", vm.lastCallGas().gasTotalUsed);
        slasher.reportDoubleAttestation(first, second);
        vm.snapshotValue("Slasher", "two attestations reported", vm.lastCallGas().gasTotalUsed);
    }

    function _pair(uint256 index)
        private
        view
        returns (IEvidenceVerifier.Attestation memory, IEvidenceVerifier.Attestation memory)
    {
        return (attestationBy(index, claimOf(2, 100, ONE)), attestationBy(index, claimOf(2, 100, OTHER)));
    }

    function _ordered(IEvidenceVerifier.Certificate memory one, IEvidenceVerifier.Certificate memory other)
        private
        view
        returns (IEvidenceVerifier.Certificate memory, IEvidenceVerifier.Certificate memory)
    {
        return digestOf(domain, one.claim) < digestOf(domain, other.claim) ? (one, other) : (other, one);
    }

    function _add(bytes32[8] memory left, bytes memory right) private view returns (bytes32[8] memory) {
        return abi.decode(precompile(0x0d, bytes.concat(abi.encodePacked(left), right)), (bytes32[8]));
    }

    function _notValid(Certificates.Code code) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IEvidenceVerifier.NotValid.selector, code);
    }
}
