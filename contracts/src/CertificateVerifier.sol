// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICertificateVerifier} from "./interfaces/ICertificateVerifier.sol";
import {Certificates} from "./libraries/Certificates.sol";

/// @title Checks certificates and set updates for whoever brings what it trusts
contract CertificateVerifier is ICertificateVerifier {
    /// @inheritdoc ICertificateVerifier
    function verify(
        Trust calldata trust,
        Certificates.Claim calldata claim,
        Certificates.Signers calldata signed
    ) public view returns (Certificates.Code code, bytes32 certificateId, uint256 signedWeight) {
        bytes32 digest = Certificates.claimDigest(Certificates.domainSeparator(trust.domain), claim);
        Certificates.Answer memory answer =
            Certificates.check(digest, trust.operatorSetHash, claim.epoch, trust.thresholdBps, signed);
        if (answer.code != Certificates.Code.Valid) return (answer.code, 0, 0);
        certificateId = Certificates.certificateId(digest, trust.operatorSetHash, answer.signers);
        return (answer.code, certificateId, answer.signedWeight);
    }

    /// @inheritdoc ICertificateVerifier
    function verifyInSchedule(
        Schedule calldata schedule,
        Trust calldata trust,
        Certificates.Claim calldata claim,
        Certificates.Signers calldata signed
    ) external view returns (Certificates.Code code, bytes32 certificateId, uint256 signedWeight) {
        (code, certificateId, signedWeight) = verify(trust, claim, signed);
        bool isInEpoch = Certificates.isInEpoch(
            claim.timestamp, claim.epoch, schedule.genesisTime, schedule.epochSeconds
        );
        if (!isInEpoch && code > Certificates.Code.EpochMismatch) {
            return (Certificates.Code.EpochMismatch, 0, 0);
        }
    }

    /// @inheritdoc ICertificateVerifier
    function verifySetUpdate(
        Trust calldata trust,
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.Signers calldata signed
    ) external view returns (Certificates.Code code, uint256 signedWeight) {
        bytes32 digest = Certificates.setUpdateDigest(
            Certificates.domainSeparator(trust.domain), epoch, operatorSetHash
        );
        // No set is of epoch 2^256 - 1: an update of epoch 0 has nobody to sign it.
        uint256 signedBy = epoch == 0 ? type(uint256).max : epoch - 1;
        Certificates.Answer memory answer =
            Certificates.check(digest, trust.operatorSetHash, signedBy, trust.thresholdBps, signed);
        if (answer.code == Certificates.Code.Valid) signedWeight = answer.signedWeight;
        return (answer.code, signedWeight);
    }
}
