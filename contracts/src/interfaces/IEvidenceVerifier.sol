// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../libraries/Certificates.sol";
import {IRegistry} from "./IRegistry.sol";

/// @title Checks what operators signed against the registry's sets
/// @notice Holds nothing. Whatever it does not accept it refuses by reverting, and a refusal proves
/// nothing: whoever chooses the gas can have good evidence refused.
interface IEvidenceVerifier {
    /// @notice Where an operator is in a set: its leaf and the path to the root
    struct Membership {
        Certificates.Member member;
        /// @dev From the leaf up, of exactly ceil(log2(count)) nodes
        bytes32[] path;
    }

    /// @notice An operator's attestation, with the preimage of the hash of its claim's epoch
    struct Attestation {
        Certificates.Claim claim;
        Certificates.OperatorSet operatorSet;
        Membership membership;
        /// @dev The G2 point as EIP-2537 takes it
        bytes32[8] signature;
    }

    /// @notice A certificate
    struct Certificate {
        Certificates.Claim claim;
        Certificates.Signers signed;
    }

    /// @notice The set is not the registry's for that epoch
    error UnknownOperatorSet(uint64 epoch);
    /// @notice The member is not in the set: an index out of range, a path of another length or root,
    /// or indices that do not ascend
    error NotAMember(address operator);
    /// @notice No points, infinity, not by these operators, or too little gas
    error BadSignature();
    /// @notice A certificate or set update is not valid
    error NotValid(Certificates.Code code);

    /// @notice The digests of two attestations, each by the key that its operator had in its claim's
    /// epoch. With one key both are checked in one pairing: it proves that the key signed both claims,
    /// not that each signature is good alone.
    function checkAttestations(Attestation calldata first, Attestation calldata second)
        external
        view
        returns (bytes32 firstDigest, bytes32 secondDigest);

    /// @notice The digest of an attestation by the key that its operator had in its claim's epoch
    function checkAttestation(Attestation calldata attestation) external view returns (bytes32 digest);

    /// @notice Checks a certificate under the set and the threshold of its claim's epoch
    /// @return digest The claim's digest
    /// @return signers A bitfield over the set's indices, the first byte first
    function checkCertificate(Certificate calldata certificate)
        external
        view
        returns (bytes32 digest, bytes32 signers);

    /// @notice The signers of a set update with the threshold's weight
    /// @param epoch The epoch that the update is for; the set of the one before signs
    /// @return signers A bitfield over the set's indices, the first byte first
    function checkSetUpdate(uint64 epoch, bytes32 operatorSetHash, Certificates.Signers calldata signed)
        external
        view
        returns (bytes32 signers);

    /// @notice Refuses unless all the given members signed a set update
    /// @param members In ascending order of index, at least one
    /// @param signature The sum of their signatures
    function checkSetUpdateBy(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.OperatorSet calldata operatorSet,
        Membership[] calldata members,
        bytes32[8] calldata signature
    ) external view;

    /// @notice Refuses unless the member is in the registry's set of an epoch
    function checkMembership(
        uint64 epoch,
        Certificates.OperatorSet calldata operatorSet,
        Membership calldata membership
    ) external view;

    /// @notice Whose operator sets and rollups count
    function registry() external view returns (IRegistry);
}
