// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";
import {IStakeVault} from "./interfaces/IStakeVault.sol";
import {IWeightSource} from "./interfaces/IWeightSource.sol";

/// @title Holds one ERC-20 asset that stakers put behind operators
contract StakeVault is IStakeVault, ReentrancyGuard {
    using Checkpoints for Checkpoints.Trace208;
    using SafeERC20 for IERC20;

    /// @inheritdoc IStakeVault
    IERC20 public immutable asset;
    /// @inheritdoc IStakeVault
    uint256 public immutable assetsPerWeight;
    /// @inheritdoc IStakeVault
    uint256 public immutable withdrawalDelay;

    mapping(address operator => Checkpoints.Trace208 assets) private _delegated;
    mapping(address staker => mapping(address operator => uint256 assets)) private _stakes;
    Withdrawal[] private _withdrawals;

    constructor(IERC20 asset_, uint256 assetsPerWeight_, uint256 withdrawalDelay_) {
        if (address(asset_).code.length == 0 || assetsPerWeight_ == 0) revert InvalidConfiguration();
        asset = asset_;
        assetsPerWeight = assetsPerWeight_;
        withdrawalDelay = withdrawalDelay_;
    }

    /// @inheritdoc IStakeVault
    function deposit(address operator, uint256 assets) external nonReentrant returns (uint256 received) {
        if (operator == address(0)) revert InvalidOperator();
        uint256 balanceBefore = asset.balanceOf(address(this));
        asset.safeTransferFrom(msg.sender, address(this), assets);
        received = asset.balanceOf(address(this)) - balanceBefore;
        if (received == 0) revert ZeroAssets();
        _stakes[msg.sender][operator] += received;
        _setDelegated(operator, _delegated[operator].latest() + received);
        emit Deposited(msg.sender, operator, received);
    }

    /// @inheritdoc IStakeVault
    function requestWithdrawal(address operator, uint256 assets)
        external
        nonReentrant
        returns (uint256 withdrawalId)
    {
        if (assets == 0) revert ZeroAssets();
        uint256 staked = _stakes[msg.sender][operator];
        if (assets > staked) revert InsufficientStake(staked, assets);
        _stakes[msg.sender][operator] = staked - assets;
        _setDelegated(operator, _delegated[operator].latest() - assets);
        uint256 releaseTime = block.timestamp + withdrawalDelay;
        withdrawalId = _withdrawals.length;
        _withdrawals.push(Withdrawal(msg.sender, operator, assets, releaseTime));
        emit WithdrawalRequested(withdrawalId, msg.sender, operator, assets, releaseTime);
    }

    /// @inheritdoc IStakeVault
    function completeWithdrawal(uint256 withdrawalId) external nonReentrant {
        Withdrawal memory exit = withdrawal(withdrawalId);
        if (exit.releaseTime == 0) revert UnknownWithdrawal(withdrawalId);
        if (block.timestamp < exit.releaseTime) revert WithdrawalLocked(exit.releaseTime);
        delete _withdrawals[withdrawalId];
        emit WithdrawalCompleted(withdrawalId, exit.staker, exit.assets);
        asset.safeTransfer(exit.staker, exit.assets);
    }

    /// @inheritdoc IWeightSource
    function weightAt(address operator, uint256 timestamp) external view returns (uint256) {
        if (timestamp == 0) return 0;
        return _delegated[operator].upperLookupRecent(SafeCast.toUint48(timestamp - 1)) / assetsPerWeight;
    }

    /// @inheritdoc IStakeVault
    function stakeOf(address staker, address operator) external view returns (uint256) {
        return _stakes[staker][operator];
    }

    /// @inheritdoc IStakeVault
    function withdrawal(uint256 withdrawalId) public view returns (Withdrawal memory) {
        if (withdrawalId >= _withdrawals.length) revert UnknownWithdrawal(withdrawalId);
        return _withdrawals[withdrawalId];
    }

    function _setDelegated(address operator, uint256 assets) private {
        _delegated[operator].push(SafeCast.toUint48(block.timestamp), SafeCast.toUint208(assets));
    }
}
