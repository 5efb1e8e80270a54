// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../libraries/Certificates.sol";

/// @title Checks certificates and set updates for whoever brings what it trusts
/// @notice Holds nothing and trusts nothing: the caller says which operator set and which threshold
/// count. The answers are those of the off-chain verifier, in the same order of precedence.
/// @dev Act on `Valid` alone. Any other answer proves nothing about a certificate: who chooses the
/// gas, the non-signers or the paths can have a good one answered badly.
interface ICertificateVerifier {
    /// @notice What the caller trusts
    struct Trust {
        /// @dev The network: the L1's chain id and the registry on it
        Certificates.Domain domain;
        /// @dev The hash of the operator set that has to sign; zero is answered UnknownOperatorSet
        bytes32 operatorSetHash;
        /// @dev In basis points, 6667 to 10000; any other is answered BelowThreshold
        uint256 thresholdBps;
    }

    /// @notice When epochs begin and how long they last, in seconds
    struct Schedule {
        uint64 genesisTime;
        uint64 epochSeconds;
    }

    /// @notice Checks a certificate
    /// @dev Does not know the schedule: who does calls verifyInSchedule.
    /// @param trust What the caller trusts
    /// @param claim What was signed
    /// @param signed The preimage of the operatorSetHash, the non-signers and the signature
    /// @return code Valid, or what is wrong
    /// @return certificateId The certificate's id; zero unless the code is Valid
    /// @return signedWeight The weight of the signers; zero unless the code is Valid
    function verify(
        Trust calldata trust,
        Certificates.Claim calldata claim,
        Certificates.Signers calldata signed
    ) external view returns (Certificates.Code code, bytes32 certificateId, uint256 signedWeight);

    /// @notice As `verify`, and EpochMismatch for a claim whose timestamp is not of its epoch
    /// @dev An epochSeconds of zero reverts.
    function verifyInSchedule(
        Schedule calldata schedule,
        Trust calldata trust,
        Certificates.Claim calldata claim,
        Certificates.Signers calldata signed
    ) external view returns (Certificates.Code code, bytes32 certificateId, uint256 signedWeight);

    /// @notice Checks a set update, which the set of the epoch before signs with its threshold
    /// @param trust The operatorSetHash is the one of the epoch before
    /// @param epoch The epoch that the update is for
    /// @param operatorSetHash The hash that it gives that epoch
    /// @param signed The preimage of the signing set's hash, the non-signers and the signature
    /// @return code Valid, or what is wrong
    /// @return signedWeight The weight of the signers; zero unless the code is Valid
    function verifySetUpdate(
        Trust calldata trust,
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.Signers calldata signed
    ) external view returns (Certificates.Code code, uint256 signedWeight);
}
