// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ISlashableSource} from "./interfaces/ISlashableSource.sol";
import {ISlasher} from "./interfaces/ISlasher.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";
import {IWeightedSources} from "./interfaces/IWeightedSources.sol";

/// @title Records convictions, takes what they cost from the sources and pays it out
abstract contract Convictions is ISlasher, Ownable2Step, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 private constant WAD = 1e18;
    uint256 private constant BASIS_POINTS = 10_000;
    uint256 private constant MAX_REPORTER_SHARE_BPS = 1000;

    IWeightSource private immutable _weightSource;
    uint64 internal immutable _minimumDelay;

    /// @inheritdoc ISlasher
    mapping(IERC20 asset => mapping(address account => uint256)) public creditOf;

    Parameters private _parameters;
    mapping(bytes32 convictionId => Conviction) private _convictions;
    /// @dev The fraction that has been taken: less than the conviction's where that has become dearer
    mapping(bytes32 convictionId => mapping(address source => uint256 wad)) private _takenWads;
    mapping(IERC20 asset => uint256) private _owed;

    constructor(
        address owner_,
        IWeightSource weightSource_,
        uint64 minimumDelay_,
        Parameters memory parameters_
    ) Ownable(owner_) {
        if (owner_.code.length == 0) revert InvalidConfiguration();
        (_weightSource, _minimumDelay) = (weightSource_, minimumDelay_);
        _setParameters(parameters_);
    }

    /// @inheritdoc ISlasher
    function collect(bytes32 convictionId, ISlashableSource source)
        external
        nonReentrant
        returns (IERC20 asset, uint256 received)
    {
        Conviction memory conviction_ = _convictions[convictionId];
        if (conviction_.time == 0) revert UnknownConviction(convictionId);
        if (isCollected(convictionId, address(source))) return (asset, 0);
        if (!_isSource(address(source))) revert NotASource(address(source));
        uint256 taken = _takenWads[convictionId][address(source)];
        _takenWads[convictionId][address(source)] = conviction_.wad;
        // Of what an earlier taking left, as much as makes both together the conviction's fraction
        uint256 wad = Math.mulDiv(conviction_.wad - taken, WAD, WAD - taken, Math.Rounding.Ceil);
        uint256 assets;
        // Nothing is caught: what reverts, also for want of gas, is as if it had not been tried.
        (asset, assets) = source.slash(conviction_.operator, wad, _nameOf(conviction_.kind));
        uint256 share = 0;
        if (address(asset) != address(0)) {
            received = _arrived(asset, assets);
            share = received * conviction_.reporterShareBps / BASIS_POINTS;
            _owed[asset] += received;
            creditOf[asset][conviction_.reporter] += share;
            creditOf[asset][_parameters.destination] += received - share;
        }
        emit Collected(convictionId, address(source), address(asset), received, share);
    }

    /// @inheritdoc ISlasher
    function withdraw(IERC20 asset, address account) external nonReentrant returns (uint256 amount) {
        amount = creditOf[asset][account];
        if (amount == 0) return 0;
        creditOf[asset][account] = 0;
        _owed[asset] -= amount;
        emit Withdrawn(address(asset), account, amount);
        asset.safeTransfer(account, amount);
    }

    /// @inheritdoc ISlasher
    function setParameters(Parameters calldata parameters_) external onlyOwner {
        _setParameters(parameters_);
    }

    /// @inheritdoc ISlasher
    function conviction(bytes32 convictionId) external view returns (Conviction memory) {
        return _convictions[convictionId];
    }

    /// @inheritdoc ISlasher
    function parameters() external view returns (Parameters memory) {
        return _parameters;
    }

    /// @inheritdoc ISlasher
    function isCollected(bytes32 convictionId, address source) public view returns (bool) {
        uint256 taken = _takenWads[convictionId][source];
        return taken != 0 && taken == _convictions[convictionId].wad;
    }

    /// @inheritdoc ISlasher
    function convictionIdAt(address operator, uint64 rollupId, uint64 blockNumber)
        public
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(operator, rollupId, blockNumber));
    }

    /// @inheritdoc ISlasher
    function convictionIdFor(address operator, uint64 epoch) public pure returns (bytes32) {
        return keccak256(abi.encode(operator, epoch));
    }

    function _convictAt(address operator, Kind kind, uint64 rollupId, uint64 number, address reporter)
        internal
    {
        bytes32 convictionId = convictionIdAt(operator, rollupId, number);
        uint64 wad = _record(convictionId, operator, kind, reporter);
        emit OperatorConvicted(convictionId, operator, kind, rollupId, number, reporter, wad);
    }

    function _convictFor(address operator, uint64 epoch) internal {
        bytes32 convictionId = convictionIdFor(operator, epoch);
        uint64 wad = _record(convictionId, operator, Kind.FalseSetUpdate, msg.sender);
        emit OperatorConvicted(convictionId, operator, Kind.FalseSetUpdate, 0, epoch, msg.sender, wad);
    }

    function _isConvictedFor(address operator, uint64 epoch) internal view returns (bool) {
        return _isConvicted(convictionIdFor(operator, epoch), Kind.FalseSetUpdate);
    }

    /// @dev Whether there is a conviction that evidence of this kind does not make dearer. The kinds are
    /// compared as they cost now: changed parameters alone make no conviction dearer.
    function _isConvicted(bytes32 convictionId, Kind kind) internal view returns (bool) {
        Conviction storage known = _convictions[convictionId];
        if (known.time == 0) return false;
        uint256 wad = _parameters.wads[uint256(kind)];
        return wad <= known.wad || wad <= _parameters.wads[uint256(known.kind)];
    }

    function _now() internal view returns (uint64) {
        return SafeCast.toUint64(block.timestamp);
    }

    function _record(bytes32 convictionId, address operator, Kind kind, address reporter)
        private
        returns (uint64 wad)
    {
        wad = _parameters.wads[uint256(kind)];
        _convictions[convictionId] =
            Conviction(operator, _now(), kind, reporter, wad, _parameters.reporterShareBps);
    }

    function _setParameters(Parameters memory parameters_) private {
        uint256 delay = TimelockController(payable(owner())).getMinDelay();
        if (delay < _minimumDelay) revert DelayTooShort(delay, _minimumDelay);
        for (uint256 i = 0; i < parameters_.wads.length; i++) {
            if (parameters_.wads[i] == 0 || parameters_.wads[i] > WAD) revert InvalidConfiguration();
        }
        if (
            parameters_.destination == address(0) || parameters_.destination == address(this)
                || parameters_.reporterShareBps > MAX_REPORTER_SHARE_BPS
        ) revert InvalidConfiguration();
        _parameters = parameters_;
        emit ParametersChanged(parameters_);
    }

    function _isSource(address source) private view returns (bool) {
        return source == address(_weightSource)
            || IWeightedSources(address(_weightSource)).isSource(source);
    }

    /// @dev What a source says that it sent, as far as it is here and owed to nobody yet
    function _arrived(IERC20 asset, uint256 assets) private view returns (uint256) {
        uint256 balance = asset.balanceOf(address(this));
        uint256 owed = _owed[asset];
        uint256 free = balance > owed ? balance - owed : 0;
        return assets < free ? assets : free;
    }

    function _nameOf(Kind kind) private pure returns (string memory) {
        if (kind == Kind.DoubleAttestation) return "double-attestation";
        if (kind == Kind.AttestationAgainstCertificate) return "attestation-against-certificate";
        if (kind == Kind.ConflictingCertificates) return "conflicting-certificates";
        if (kind == Kind.FalseSetUpdate) return "false-set-update";
        return "settlement-lie";
    }
}
