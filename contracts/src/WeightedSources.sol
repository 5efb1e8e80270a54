// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";
import {IWeightedSources} from "./interfaces/IWeightedSources.sol";

/// @title Adds up weight sources, each with a multiplier for its asset
contract WeightedSources is IWeightedSources, Ownable2Step {
    using Checkpoints for Checkpoints.Trace208;

    uint256 private constant BASIS_POINTS = 10_000;
    uint256 private constant MAX_MULTIPLIER_BPS = 100 * BASIS_POINTS;
    uint256 private constant MAX_SOURCES = 3;

    IWeightSource[] private _sources;
    /// @dev A value is maxWeight above the multiplier's 32 bits
    mapping(IWeightSource source => Checkpoints.Trace208) private _terms;

    constructor(address owner_) Ownable(owner_) {
        if (owner_.code.length == 0) revert InvalidConfiguration();
    }

    /// @inheritdoc IWeightSource
    function weightAt(address operator, uint256 timestamp) external view returns (uint256 weight) {
        for (uint256 i = 0; i < _sources.length; i++) {
            IWeightSource source = _sources[i];
            (uint256 multiplierBps, uint256 maxWeight) = _termsAt(source, timestamp);
            if (multiplierBps == 0) continue;
            uint256 each = source.weightAt(operator, timestamp);
            if (each > maxWeight) each = maxWeight;
            weight += each * multiplierBps / BASIS_POINTS;
        }
    }

    /// @inheritdoc IWeightedSources
    function sourcesAt(uint256 timestamp) external view returns (Source[] memory list) {
        list = new Source[](_sources.length);
        for (uint256 i = 0; i < list.length; i++) {
            (uint256 multiplierBps, uint256 maxWeight) = _termsAt(_sources[i], timestamp);
            // What setSource packed came from these types.
            // forge-lint: disable-next-line(unsafe-typecast)
            list[i] = Source(_sources[i], uint32(multiplierBps), uint128(maxWeight));
        }
    }

    /// @inheritdoc IWeightedSources
    function isSource(address source) external view returns (bool) {
        return _terms[IWeightSource(source)].length() != 0;
    }

    /// @inheritdoc IWeightedSources
    function setSource(IWeightSource source, uint32 multiplierBps, uint128 maxWeight) external onlyOwner {
        if (
            address(source).code.length == 0 || address(source) == address(this)
                || multiplierBps > MAX_MULTIPLIER_BPS || maxWeight == 0
        ) revert InvalidSource(source);
        Checkpoints.Trace208 storage terms = _terms[source];
        if (terms.length() == 0) {
            if (_sources.length == MAX_SOURCES) revert TooManySources();
            _sources.push(source);
        }
        terms.push(SafeCast.toUint48(block.timestamp), (uint208(maxWeight) << 32) | multiplierBps);
        emit SourceChanged(source, multiplierBps, maxWeight);
    }

    function _termsAt(IWeightSource source, uint256 timestamp) private view returns (uint256, uint256) {
        if (timestamp == 0) return (0, 0);
        uint256 terms = _terms[source].upperLookupRecent(SafeCast.toUint48(timestamp - 1));
        // The multiplier is in the low 32 bits: the rest is cut off on purpose.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (uint32(terms), terms >> 32);
    }
}
