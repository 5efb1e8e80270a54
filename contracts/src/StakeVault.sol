// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {ISlashableSource} from "./interfaces/ISlashableSource.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";
import {StakePools} from "./libraries/StakePools.sol";

/// @title Holds one ERC-20 asset that stakers put behind operators
contract StakeVault is IStakeVault, ReentrancyGuard {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for IERC20;
    using StakePools for StakePools.Pool;

    /// @dev An operator gets a new pool when all of the old one was slashed, so that the old shares
    /// have no part in what is staked later
    struct Stakes {
        Checkpoints.Trace208 assets;
        uint256 current;
        mapping(uint256 number => StakePools.Pool) pools;
    }

    struct Exit {
        address staker;
        uint48 releaseTime;
        address operator;
        uint256 pool;
        uint256 shares;
    }

    uint256 private constant WAD = 1e18;
    uint256 private constant MAX_WITHDRAWAL_DELAY = 365 days;

    /// @inheritdoc IStakeVault
    IERC20 public immutable asset;
    /// @inheritdoc IStakeVault
    uint256 public immutable assetsPerWeight;
    /// @inheritdoc IStakeVault
    uint256 public immutable withdrawalDelay;
    /// @inheritdoc ISlashableSource
    address public immutable slasher;

    mapping(address operator => Stakes) private _stakes;
    mapping(
        address staker => mapping(address operator => mapping(uint256 pool => uint256 shares))
    ) private _shares;
    Exit[] private _exits;

    constructor(IERC20 asset_, uint256 assetsPerWeight_, uint256 withdrawalDelay_, address slasher_) {
        if (
            address(asset_).code.length == 0 || slasher_.code.length == 0 || assetsPerWeight_ == 0
                || withdrawalDelay_ == 0 || withdrawalDelay_ > MAX_WITHDRAWAL_DELAY
        ) revert InvalidConfiguration();
        (asset, assetsPerWeight) = (asset_, assetsPerWeight_);
        (withdrawalDelay, slasher) = (withdrawalDelay_, slasher_);
    }

    /// @inheritdoc IStakeVault
    function deposit(address operator, uint256 assets) external nonReentrant returns (uint256 received) {
        if (operator == address(0)) revert InvalidOperator();
        Stakes storage stakes = _stakes[operator];
        uint256 number = stakes.current;
        StakePools.Pool storage pool = stakes.pools[number];
        if (pool.isDepleted()) {
            if (pool.slashableShares(withdrawalDelay) != 0) revert OperatorDepleted(operator);
            // Nobody is left in it whom a slash could still find: the next pool begins at the full price.
            number = ++stakes.current;
            pool = stakes.pools[number];
        }
        uint256 balanceBefore = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), assets);
        received = asset.balanceOf(address(this)) - balanceBefore;
        if (received == 0) revert ZeroAssets();
        _shares[msg.sender][operator][number] += pool.deposit(received);
        _checkpoint(stakes, pool);
        emit Deposited(msg.sender, operator, received);
    }

    /// @inheritdoc IStakeVault
    function requestWithdrawal(address operator, uint256 assets)
        external
        nonReentrant
        returns (uint256 withdrawalId)
    {
        if (assets == 0) revert ZeroAssets();
        Stakes storage stakes = _stakes[operator];
        uint256 number = stakes.current;
        uint256 shares = _shares[msg.sender][operator][number];
        if (shares == 0) revert NothingStaked(msg.sender, operator);
        StakePools.Pool storage pool = stakes.pools[number];
        uint256 exiting = pool.worth(shares);
        if (assets < exiting) (exiting, shares) = (assets, pool.sharesFor(assets));
        _shares[msg.sender][operator][number] -= shares;
        pool.exit(shares);
        _checkpoint(stakes, pool);
        uint48 releaseTime = SafeCast.toUint48(block.timestamp + withdrawalDelay);
        withdrawalId = _exits.length;
        _exits.push(Exit(msg.sender, releaseTime, operator, number, shares));
        emit WithdrawalRequested(withdrawalId, msg.sender, operator, exiting, releaseTime);
    }

    /// @inheritdoc IStakeVault
    function completeWithdrawal(uint256 withdrawalId) external nonReentrant {
        Withdrawal memory due = withdrawal(withdrawalId);
        if (block.timestamp < due.releaseTime) revert WithdrawalLocked(due.releaseTime);
        delete _exits[withdrawalId];
        emit WithdrawalCompleted(withdrawalId, due.staker, due.assets);
        if (due.assets != 0) asset.safeTransfer(due.staker, due.assets);
    }

    /// @inheritdoc ISlashableSource
    function slash(address operator, uint256 wad, string calldata description)
        external
        nonReentrant
        returns (IERC20, uint256 arrived)
    {
        if (msg.sender != slasher) revert NotTheSlasher(msg.sender);
        if (wad == 0 || wad > WAD) revert InvalidFraction(wad);
        Stakes storage stakes = _stakes[operator];
        StakePools.Pool storage pool = stakes.pools[stakes.current];
        uint256 taken = pool.slash(wad, withdrawalDelay);
        _checkpoint(stakes, pool);
        if (pool.isDead()) stakes.current++;
        emit StakeSlashed(operator, wad, taken, description);
        if (taken == 0) return (asset, 0);
        uint256 balanceBefore = asset.balanceOf(msg.sender);
        asset.safeTransfer(msg.sender, taken);
        return (asset, asset.balanceOf(msg.sender) - balanceBefore);
    }

    /// @inheritdoc IWeightSource
    function weightAt(address operator, uint256 timestamp) external view returns (uint256) {
        if (timestamp == 0) return 0;
        return _stakes[operator].assets.upperLookupRecent(SafeCast.toUint48(timestamp - 1)) / assetsPerWeight;
    }

    /// @inheritdoc IStakeVault
    function stakeOf(address staker, address operator) external view returns (uint256) {
        Stakes storage stakes = _stakes[operator];
        return stakes.pools[stakes.current].worth(_shares[staker][operator][stakes.current]);
    }

    /// @inheritdoc IStakeVault
    function slashableOf(address operator) external view returns (uint256) {
        StakePools.Pool storage pool = _stakes[operator].pools[_stakes[operator].current];
        return pool.worth(pool.slashableShares(withdrawalDelay));
    }

    /// @inheritdoc IStakeVault
    function withdrawal(uint256 withdrawalId) public view returns (Withdrawal memory) {
        if (withdrawalId >= _exits.length) revert UnknownWithdrawal(withdrawalId);
        Exit memory exit = _exits[withdrawalId];
        if (exit.releaseTime == 0) revert UnknownWithdrawal(withdrawalId);
        StakePools.Pool storage pool = _stakes[exit.operator].pools[exit.pool];
        uint256 assets = pool.worthBefore(exit.shares, exit.releaseTime);
        return Withdrawal(exit.staker, exit.operator, assets, exit.releaseTime);
    }

    function _checkpoint(Stakes storage stakes, StakePools.Pool storage pool) private {
        stakes.assets.push(
            SafeCast.toUint48(block.timestamp), SafeCast.toUint208(pool.worth(pool.shares))
        );
    }
}
