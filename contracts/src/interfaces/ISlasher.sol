// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Certificates} from "../libraries/Certificates.sol";
import {IEvidenceVerifier} from "./IEvidenceVerifier.sol";
import {IHeaderWalks} from "./IHeaderWalks.sol";
import {IRegistry} from "./IRegistry.sol";
import {ISlashableSource} from "./ISlashableSource.sol";

/// @title Convicts operators on evidence and takes from what stands behind them
/// @notice Conviction first, taking second: evidence records a conviction, and `collect` then takes from
/// one source at a time, so that a source that fails saves nothing that lies in another. Everything but
/// the parameters is open to anyone, and nothing that is recorded is ever removed.
/// @dev An operator is convicted once per rollup and height, whatever the kind, and once per epoch for
/// set updates. Evidence of a kind that costs more makes the conviction one of that kind, and the
/// difference is taken: nobody gets away with the cheapest of what it did. Whoever brings what has been
/// brought changes nothing and is told so quietly, because anyone can send a copy of a pending report
/// first.
interface ISlasher {
    /// @notice What an operator did
    enum Kind {
        DoubleAttestation,
        AttestationAgainstCertificate,
        ConflictingCertificates,
        FalseSetUpdate,
        SettlementLie
    }

    /// @notice What a conviction costs, and where it goes
    struct Parameters {
        /// @dev By kind: the fraction of an operator's stake, above zero and at most 1e18, which is all
        uint64[5] wads;
        /// @dev Gets what the reporter does not
        address destination;
        /// @dev Of what arrives here, in basis points, at most 1000. A subsidy for whoever reports
        /// first: it cannot be kept from somebody who copies a report, nor from the guilty.
        uint16 reporterShareBps;
    }

    /// @notice How long evidence and charges take, in seconds
    struct Windows {
        /// @dev What a set signed is first accepted by contracts until this long after its epoch ends
        uint64 acceptance;
        /// @dev A charge can be voided this long after it is proved; longer than settlement takes
        uint64 challenge;
        /// @dev Evidence convicts this long after the epoch ends; longer than both others together
        uint64 evidence;
        /// @dev The least delay of the timelock that owns this; longer than an exit
        uint64 minimumDelay;
    }

    /// @notice An operator's guilt. Its terms are those of the moment of conviction.
    struct Conviction {
        address operator;
        /// @dev In seconds; zero where there is no such conviction
        uint64 time;
        Kind kind;
        address reporter;
        uint64 wad;
        uint16 reporterShareBps;
    }

    /// @notice Two certificates that cannot both be true of an honest signer's chain
    struct Charge {
        uint64 rollupId;
        uint64 lowerNumber;
        uint64 higherNumber;
        uint64 lowerEpoch;
        uint64 higherEpoch;
        bytes32 lowerHash;
        bytes32 higherHash;
        bytes32 lowerDigest;
        bytes32 higherDigest;
        /// @dev Bitfields over the indices of each certificate's set, the first byte first
        bytes32 lowerSigners;
        bytes32 higherSigners;
        /// @dev The block from which headers are walked, the higher one or one above it on its chain
        bytes32 walkStart;
        uint64 walkNumber;
        address reporter;
        /// @dev From when on the challenge window counts, in seconds: when the headers were proved, or a
        /// certificate took an excused one's place; zero before
        uint64 provedAt;
    }

    /// @notice One operator in the sets of both certificates of a charge
    struct Accused {
        IEvidenceVerifier.Membership inLower;
        IEvidenceVerifier.Membership inHigher;
    }

    /// @notice A parameter is zero or out of range, the windows do not fit, or the owner is no timelock
    /// with the least delay
    error InvalidConfiguration();
    /// @notice The owner's delay is shorter than the least one now
    error DelayTooShort(uint256 delay, uint256 minimumDelay);
    /// @notice The time in which this evidence convicts is over, or too little of it is left
    error EvidenceExpired(uint256 deadline);
    /// @notice The claims or certificates are the same, of other heights or rollups, or out of order
    error NotConflicting();
    /// @notice The operator did not sign, or not both
    error NotASigner(address operator);
    /// @notice L1 cannot read how this rollup settled
    error NoSettlement(uint64 rollupId, uint64 epoch);
    /// @notice The settled block is another one, or the output is the claim's, or the stack has none
    error NotALie();
    /// @notice The hash is the registry's for that epoch, or the registry has none yet
    error NotFalse(uint64 epoch);
    /// @notice No such charge
    error UnknownCharge(bytes32 chargeId);
    /// @notice An intermediate certificate or settlement was shown
    error ChargeIsVoid(bytes32 chargeId);
    /// @notice The headers have not been proved down to the lower height
    error ChargeNotProved(bytes32 chargeId);
    /// @notice The charge can be challenged until this time, inclusive
    error ChallengeOpen(uint256 end);
    /// @notice The charge could be challenged until this time, inclusive
    error ChallengeOver(uint256 end);
    /// @notice What was shown does not void the charge
    error NotAnExcuse();
    /// @notice No such conviction
    error UnknownConviction(bytes32 convictionId);
    /// @notice The registry takes no weight from this source, and never did
    error NotASource(address source);

    /// @notice An operator was convicted, or its conviction became one of a dearer kind. The number is a
    /// height, or an epoch for false set updates, whose rollup is zero.
    event OperatorConvicted(
        bytes32 indexed convictionId,
        address indexed operator,
        Kind indexed kind,
        uint64 rollupId,
        uint64 number,
        address reporter,
        uint64 wad
    );
    /// @notice Two certificates at different heights were charged, or at one height recorded as proved
    event ConflictCharged(bytes32 indexed chargeId, uint64 indexed rollupId, Charge charge);
    /// @notice The higher block's chain holds another block at the lower height
    event ChargeProved(bytes32 indexed chargeId, uint256 challengeEnd);
    /// @notice The two certificates of a charge convict nobody; by settlement, nor does any other charge
    /// against the same lower claim
    event ChargeVoided(bytes32 indexed chargeId);
    /// @notice A source was slashed for a conviction; asset and received are zero where what it takes
    /// does not pass through this contract
    event Collected(
        bytes32 indexed convictionId,
        address indexed source,
        address asset,
        uint256 received,
        uint256 reporterShare
    );
    /// @notice What was owed to an account was paid
    event Withdrawn(address indexed asset, address indexed account, uint256 amount);
    /// @notice The parameters were changed, for later convictions
    event ParametersChanged(Parameters parameters);

    /// @notice Convicts an operator of two attestations to different claims at one height
    function reportDoubleAttestation(
        IEvidenceVerifier.Attestation calldata first,
        IEvidenceVerifier.Attestation calldata second
    ) external returns (bytes32 convictionId);

    /// @notice Convicts an operator of an attestation to another claim than that of a certificate that
    /// it signed at the same height
    /// @param membership Where the operator is in the certificate's set
    function reportAttestationAgainstCertificate(
        IEvidenceVerifier.Attestation calldata attestation,
        IEvidenceVerifier.Certificate calldata certificate,
        IEvidenceVerifier.Membership calldata membership
    ) external returns (bytes32 convictionId);

    /// @notice Records two certificates that conflict. At one height (lower is the one with the smaller
    /// digest) their signers can be convicted at once, and the accused are. At different heights this
    /// is a charge: nobody can be accused before it is proved and its challenge window is over.
    function reportConflict(
        IEvidenceVerifier.Certificate calldata lower,
        IEvidenceVerifier.Certificate calldata higher,
        Accused[] calldata accused
    ) external returns (bytes32 chargeId);

    /// @notice Proves that the higher block's chain holds another block at the lower height, from a
    /// checkpoint of the higher block's walk and the headers below it
    /// @param from How many blocks below the charge's walkStart the walk is continued
    /// @param headers The rest, newest first; none where the walk has arrived
    function proveCharge(bytes32 chargeId, uint64 from, bytes[] calldata headers) external;

    /// @notice Voids a proved charge by a certificate between the two: of a block on the higher one's
    /// chain, at or above the lower height, with an epoch from the lower's to the higher's. That one and
    /// the lower are then the pair: their charge is opened, and proved, with a window of its own. That is
    /// a whole one, but shorter after the evidence's deadline, and over two windows after it at most.
    /// @param from How many blocks below the charge's walkStart the walk is continued
    /// @param headers From there down to the certificate's block, newest first
    function excuseByCertificate(
        bytes32 chargeId,
        IEvidenceVerifier.Certificate calldata between,
        uint64 from,
        bytes[] calldata headers
    ) external returns (bytes32 heirId);

    /// @notice Voids a charge because L1 settled another block at the lower height, and with it every
    /// charge against the same lower claim, now and later
    /// @param epoch Whose settlement adapter is asked: the lower certificate's epoch or a later one
    /// @param proof Shows the adapter a settled block
    /// @param from How many blocks below the settled block its walk is continued
    /// @param headers From there down to the block at the lower height, newest first
    /// @param header That block's own
    function excuseBySettlement(
        bytes32 chargeId,
        uint64 epoch,
        bytes calldata proof,
        uint64 from,
        bytes[] calldata headers,
        bytes calldata header
    ) external;

    /// @notice Convicts signers of both certificates of a conflict; several calls may convict others
    /// @param lowerSet The preimage of the lower certificate's operatorSetHash
    /// @param higherSet The preimage of the higher certificate's operatorSetHash
    function convict(
        bytes32 chargeId,
        Certificates.OperatorSet calldata lowerSet,
        Certificates.OperatorSet calldata higherSet,
        Accused[] calldata accused
    ) external;

    /// @notice Convicts signers of a certificate whose outputRoot is not the one that L1 confirmed for
    /// the certificate's own block; on rollups of the stacks op and orbit
    /// @param proof Shows the settlement adapter of the claim's epoch the certificate's block
    function reportSettlementLie(
        IEvidenceVerifier.Certificate calldata certificate,
        bytes calldata proof,
        IEvidenceVerifier.Membership[] calldata accused
    ) external;

    /// @notice Convicts signers of a set update, with the threshold's weight, whose hash is not the
    /// registry's for that epoch
    /// @param signed The set of the epoch before, who of it did not sign, and the signature
    function reportFalseSetUpdate(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.Signers calldata signed,
        IEvidenceVerifier.Membership[] calldata accused
    ) external;

    /// @notice As reportFalseSetUpdate, of few signers or one: convicts all of them
    /// @param operatorSet The set of the epoch before
    /// @param signers In ascending order of index
    /// @param signature The sum of their signatures
    function reportFalseSetUpdateBy(
        uint64 epoch,
        bytes32 operatorSetHash,
        Certificates.OperatorSet calldata operatorSet,
        IEvidenceVerifier.Membership[] calldata signers,
        bytes32[8] calldata signature
    ) external;

    /// @notice Takes from one source what a conviction costs there: once, and again only if it reverts or
    /// if the conviction became dearer, for the difference
    /// @return asset What arrived; zero where it does not pass through this contract
    /// @return received How much of it arrived
    function collect(bytes32 convictionId, ISlashableSource source)
        external
        returns (IERC20 asset, uint256 received);

    /// @notice Pays an account what it is owed, whoever calls
    function withdraw(IERC20 asset, address account) external returns (uint256 amount);

    /// @notice A conviction; its time is zero where there is none
    function conviction(bytes32 convictionId) external view returns (Conviction memory);

    /// @notice The id of an operator's conviction at a height of a rollup
    function convictionIdAt(address operator, uint64 rollupId, uint64 blockNumber)
        external
        view
        returns (bytes32);

    /// @notice The id of an operator's conviction for a set update
    function convictionIdFor(address operator, uint64 epoch) external view returns (bytes32);

    /// @notice Whether all that a conviction costs has been taken from a source
    function isCollected(bytes32 convictionId, address source) external view returns (bool);

    /// @notice A charge, and whether it is void
    function charge(bytes32 chargeId) external view returns (Charge memory, bool isVoid);

    /// @notice What an account can withdraw
    function creditOf(IERC20 asset, address account) external view returns (uint256);

    /// @notice The parameters of new convictions
    function parameters() external view returns (Parameters memory);

    /// @notice How long evidence and charges take
    function windows() external view returns (Windows memory);

    /// @notice Whose operators are convicted
    function registry() external view returns (IRegistry);

    /// @notice Checks the evidence
    function evidenceVerifier() external view returns (IEvidenceVerifier);

    /// @notice Remembers which headers have been proved
    function headerWalks() external view returns (IHeaderWalks);

    /// @notice Changes the parameters of later convictions. Owner only, a timelock whose delay is at
    /// least windows().minimumDelay.
    function setParameters(Parameters calldata parameters_) external;
}
