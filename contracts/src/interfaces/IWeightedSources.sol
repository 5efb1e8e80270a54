// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IWeightSource} from "./IWeightSource.sol";

/// @title Adds up weight sources, each with a multiplier for its asset
/// @notice The weight of an operator is the sum over the sources of its weight there, at most the
/// source's maximum, times the multiplier. One source that fails makes the answer fail. The owner is a
/// timelock: what it changes counts for later snapshots only.
interface IWeightedSources is IWeightSource {
    /// @notice A source and what its weight counts for
    struct Source {
        IWeightSource source;
        /// @dev In basis points, 10000 is once; zero leaves the source out
        uint32 multiplierBps;
        /// @dev The most that one operator's weight in this source counts, before the multiplier
        uint128 maxWeight;
    }

    /// @notice The owner is no contract
    error InvalidConfiguration();
    /// @notice The source is no contract or this one, or the terms are out of range
    error InvalidSource(IWeightSource source);
    /// @notice There are as many sources as one transaction can ask for a full registry
    error TooManySources();

    /// @notice A source was added or its terms were changed, for later snapshots
    event SourceChanged(IWeightSource indexed source, uint32 multiplierBps, uint128 maxWeight);

    /// @notice The sources with their terms after all blocks with a timestamp below the given one
    function sourcesAt(uint256 timestamp) external view returns (Source[] memory);

    /// @notice Whether this source counts or ever counted. One that is left out now may still hold
    /// what stood behind an operator in an epoch that evidence speaks of.
    function isSource(address source) external view returns (bool);

    /// @notice Adds a source or changes its terms. Owner only.
    /// @param multiplierBps At most 1000000, a hundred times; zero leaves the source out from now on
    function setSource(IWeightSource source, uint32 multiplierBps, uint128 maxWeight) external;
}
