// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Shares of what stands behind one operator, at a price that slashes alone change
/// @notice The price starts at one and only falls. Deposits, exits and gifts to the vault leave it as it
/// is: nobody can make another's shares worth less, or a deposit worth nothing. An exit keeps its shares
/// and is paid at the price just before its release, so that it does not matter when it is completed.
library StakePools {
    using Checkpoints for Checkpoints.Trace208;

    struct Pool {
        /// @dev Those that weigh: not of exits that have begun
        uint256 shares;
        /// @dev The running sum of the shares whose exits had begun by a time
        Checkpoints.Trace208 exited;
        /// @dev What ONE shares were worth from a time on
        Checkpoints.Trace208 prices;
    }

    uint256 private constant ONE = 1e36;
    uint256 private constant WAD = 1e18;
    /// @dev Below the first a pool takes no deposits and below the second a slash takes the rest. Between
    /// them lies so much that whatever was deposited had all but a billionth of it slashed before that,
    /// and shares cannot grow without bounds: an exit must never fail because a number does not fit.
    uint256 private constant LEAST_PRICE_TO_JOIN = ONE / 1e9;
    uint256 private constant LEAST_PRICE = ONE / 1e18;

    /// @notice Whether too little is left of what was deposited to deposit more
    function isDepleted(Pool storage pool) internal view returns (bool) {
        return pool.prices.length() != 0 && pool.prices.latest() < LEAST_PRICE_TO_JOIN;
    }

    /// @notice Whether all was slashed: the shares are worth nothing for ever
    function isDead(Pool storage pool) internal view returns (bool) {
        return pool.prices.length() != 0 && pool.prices.latest() == 0;
    }

    /// @notice Adds assets to a pool that is not depleted
    /// @dev 2^128 units at the least price are below 2^158 shares: the sums hold 2^50 such deposits
    function deposit(Pool storage pool, uint256 assets) internal returns (uint256 shares) {
        if (pool.prices.length() == 0) _push(pool.prices, ONE);
        shares = Math.mulDiv(SafeCast.toUint128(assets), ONE, pool.prices.latest());
        pool.shares += shares;
    }

    /// @notice Lets shares stop to weigh
    function exit(Pool storage pool, uint256 shares) internal {
        pool.shares -= shares;
        _push(pool.exited, pool.exited.latest() + shares);
    }

    /// @notice Lowers the price by a fraction of 1e18
    /// @return taken The assets that no share stands for any more
    function slash(Pool storage pool, uint256 wad, uint256 delay) internal returns (uint256 taken) {
        uint256 shares = slashableShares(pool, delay);
        if (shares == 0) return 0;
        uint256 assets = worth(pool, shares);
        taken = Math.mulDiv(assets, wad, WAD, Math.Rounding.Ceil);
        // Not the old price times the rest of the fraction, which the rounding up of `taken` would leave
        // unbacked: at this price all shares together are worth what remains or less.
        uint256 price = Math.mulDiv(assets - taken, ONE, shares);
        if (price < LEAST_PRICE) (taken, price) = (assets, 0);
        _push(pool.prices, price);
    }

    /// @notice The shares that a slash hits: exits are out of it from their release on
    function slashableShares(Pool storage pool, uint256 delay) internal view returns (uint256) {
        uint256 released = 0;
        if (block.timestamp >= delay) {
            released = pool.exited.upperLookupRecent(SafeCast.toUint48(block.timestamp - delay));
        }
        return pool.shares + pool.exited.latest() - released;
    }

    /// @notice The fewest shares that are worth these assets now
    function sharesFor(Pool storage pool, uint256 assets) internal view returns (uint256) {
        return Math.mulDiv(assets, ONE, pool.prices.latest(), Math.Rounding.Ceil);
    }

    /// @notice What shares are worth now, rounded down
    function worth(Pool storage pool, uint256 shares) internal view returns (uint256) {
        return Math.mulDiv(shares, pool.prices.latest(), ONE);
    }

    /// @notice What shares are worth by the slashes before a time, rounded down
    function worthBefore(Pool storage pool, uint256 shares, uint256 time) internal view returns (uint256) {
        return Math.mulDiv(shares, pool.prices.upperLookupRecent(SafeCast.toUint48(time - 1)), ONE);
    }

    function _push(Checkpoints.Trace208 storage history, uint256 value) private {
        history.push(SafeCast.toUint48(block.timestamp), SafeCast.toUint208(value));
    }
}
