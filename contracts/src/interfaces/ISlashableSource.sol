// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IWeightSource} from "./IWeightSource.sol";

/// @title A weight source whose stake one slasher can take
interface ISlashableSource is IWeightSource {
    /// @notice Only the slasher slashes
    error NotTheSlasher(address caller);

    /// @notice Takes a fraction of everything that stands behind an operator, exits that still wait
    /// included, rounded against the operator. Slasher only.
    /// @dev Reverts where the source cannot slash now: whoever slashes several sources must not let one
    /// that reverts save what stands behind the operator in another. Where nothing stands behind the
    /// operator a source may also answer zero.
    /// @param wad The fraction, above zero and at most 1e18, which is all
    /// @param description What for, for the record
    /// @return asset What was slashed; the zero address where it does not pass through this contract
    /// @return assets How much of it arrived at the slasher
    function slash(address operator, uint256 wad, string calldata description)
        external
        returns (IERC20 asset, uint256 assets);

    /// @notice Who may slash
    function slasher() external view returns (address);
}
