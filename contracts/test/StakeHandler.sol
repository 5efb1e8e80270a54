// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalToken} from "../script/LocalToken.sol";
import {Registry} from "../src/Registry.sol";
import {StakeVault} from "../src/StakeVault.sol";
import {WeightedSources} from "../src/WeightedSources.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {TestBase} from "./TestBase.sol";

/// @dev Four stakers, two operators, two vaults and a clock. Every action keeps a record of its own
/// beside what the contracts hold, and checks what it must not have changed.
contract StakeHandler is TestBase {
    struct Exit {
        /// @dev The vault's index
        uint256 which;
        uint256 id;
        address staker;
        address operator;
        uint256 releaseTime;
        uint256 assets;
        /// @dev The most that slashes before the release have left, in 1e-18 of a unit
        uint256 atMost;
        uint256 slashes;
        bool isComplete;
    }

    struct Seen {
        uint256 time;
        /// @dev By operator and vault
        uint256[2][2] weights;
    }

    uint256 public constant STAKERS = 4;
    uint256 public constant DELAY = 600;
    uint64 public constant EPOCH = 60;
    uint256 private constant WAD = 1e18;
    uint256 private constant UNIT = 1_000;
    uint256 private constant CHAIN = 31337;

    WeightedSources public sources;
    Registry public registry;
    StakeVault[2] public vaults;
    LocalToken[2] public tokens;
    uint256 public time = 1_000_000;
    uint64[] public fixedEpochs;
    Exit[] private _exits;
    Seen[] private _seen;

    /// @dev No constructor: an owner and a slasher have code
    function start() external {
        vm.chainId(CHAIN);
        vm.warp(time);
        sources = new WeightedSources(address(this));
        registry = new Registry(address(this), sources, uint64(time + 100), EPOCH);
        for (uint256 i = 0; i < 2; i++) {
            tokens[i] = new LocalToken();
            vaults[i] = new StakeVault(tokens[i], UNIT, DELAY, address(this));
            sources.setSource(vaults[i], uint32(10_000 + 5_000 * i), type(uint128).max);
            for (uint256 j = 0; j < STAKERS; j++) {
                vm.prank(staker(j));
                tokens[i].approve(address(vaults[i]), type(uint256).max);
            }
        }
        for (uint256 i = 0; i < 2; i++) {
            _deposit(vaults[0], tokens[0], staker(i), operator(i), 50 * UNIT);
            _register(operator(i), 10 + i);
        }
        _see();
    }

    function deposit(uint256 who, uint256 which, uint256 assets) external {
        vm.warp(time);
        (StakeVault vault, address to) = (vaults[which % 2], operator(which / 2));
        uint256[] memory before = _stakes();
        address from = staker(who);
        uint256 own = vault.stakeOf(from, to);
        uint256 amount = _bound(assets);
        if (_deposit(vault, tokens[which % 2], from, to, amount)) {
            uint256 gained = vault.stakeOf(from, to) - own;
            assertTrue(gained <= amount && gained + 1 >= amount);
        }
        _expectOthersUnchanged(before, from);
        _see();
    }

    function exit(uint256 who, uint256 which, uint256 assets) external {
        vm.warp(time);
        (StakeVault vault, address from, address by) = (vaults[which % 2], operator(which / 2), staker(who));
        uint256 stake = vault.stakeOf(by, from);
        if (stake == 0) return;
        uint256[] memory before = _stakes();
        uint256 asked = assets % 4 == 0 ? type(uint256).max : assets % stake + 1;
        vm.prank(by);
        uint256 id = vault.requestWithdrawal(from, asked);
        uint256 due = asked < stake ? asked : stake;
        assertEq(vault.withdrawal(id).assets, due);
        assertTrue(vault.stakeOf(by, from) <= stake - due);
        // The shares of an exit can be worth a part of a unit more than they pay.
        _exits.push(Exit(which % 2, id, by, from, time + DELAY, due, (due + 1) * WAD, 0, false));
        _expectOthersUnchanged(before, by);
        _see();
    }

    function complete(uint256 which) external {
        vm.warp(time);
        if (_exits.length == 0) return;
        Exit storage each = _exits[which % _exits.length];
        LocalToken token = tokens[each.which];
        uint256 before = token.balanceOf(each.staker);
        (bool isPaid, bytes memory answer) =
            address(vaults[each.which]).call(abi.encodeCall(IStakeVault.completeWithdrawal, (each.id)));
        if (each.isComplete) {
            assertEq(answer, abi.encodeWithSelector(IStakeVault.UnknownWithdrawal.selector, each.id));
        } else if (time < each.releaseTime) {
            assertEq(answer, abi.encodeWithSelector(IStakeVault.WithdrawalLocked.selector, each.releaseTime));
        } else {
            assertTrue(isPaid);
            each.isComplete = true;
            _expectBetweenBounds(each, token.balanceOf(each.staker) - before);
        }
    }

    function slash(uint256 which, uint256 wad) external {
        vm.warp(time);
        address guilty = operator(which / 2);
        which %= 2;
        // Mostly what a slasher would take, at times all or as good as nothing.
        if (wad % 8 == 0) wad = WAD;
        else if (wad % 8 == 1) wad = 1;
        else wad = wad % WAD + 1;
        uint256[] memory before = _stakes();
        uint256[] memory exits = _exitValues();
        uint256 claims = _slashableClaims(which, guilty);
        (, uint256 taken) = vaults[which].slash(guilty, wad, "");
        assertTrue(taken * WAD >= claims * wad);
        uint256[] memory afterwards = _stakes();
        for (uint256 i = 0; i < before.length; i++) {
            bool isHit = i % 2 == which && operator(i / 2) == guilty;
            assertTrue(isHit ? afterwards[i] <= before[i] : afterwards[i] == before[i]);
        }
        _recordSlash(which, guilty, wad, exits);
        _see();
    }

    function gift(uint256 which, uint256 assets) external {
        uint256[] memory before = _stakes();
        tokens[which % 2].mint(address(vaults[which % 2]), _bound(assets));
        _expectOthersUnchanged(before, address(0));
    }

    function wait(uint256 secondsToWait) external {
        time += secondsToWait % 5 == 0 ? DELAY : secondsToWait % 200;
        vm.warp(time);
    }

    function fix(uint256 back) external {
        vm.warp(time);
        uint256 genesis = registry.genesisTime();
        if (time < genesis) return;
        uint64 newest = uint64((time - genesis) / EPOCH + 1);
        uint64 epoch = newest - uint64(back % (newest < 4 ? newest : 4));
        if (seenWeight(0, registry.snapshotTime(epoch)) + seenWeight(1, registry.snapshotTime(epoch)) == 0) {
            vm.expectRevert(abi.encodeWithSelector(IRegistry.NoOperators.selector, epoch));
            registry.fixEpoch(epoch);
            return;
        }
        registry.fixEpoch(epoch);
        fixedEpochs.push(epoch);
    }

    /// @dev Everybody leaves, and every exit is paid
    function finish() external {
        for (uint256 i = 0; i < 4 * STAKERS; i++) {
            this.exit(i / 4, i, 0);
        }
        time += DELAY;
        for (uint256 i = 0; i < _exits.length; i++) {
            this.complete(i);
            assertTrue(_exits[i].isComplete);
        }
    }

    function staker(uint256 index) public pure returns (address) {
        return address(uint160(0xA0 + index % STAKERS));
    }

    function operator(uint256 index) public pure returns (address) {
        return address(uint160(0xB0 + index % 2));
    }

    function exitCount() external view returns (uint256) {
        return _exits.length;
    }

    function exitAt(uint256 index) external view returns (Exit memory) {
        return _exits[index];
    }

    /// @dev What was seen when it was the present, summed up here
    function seenWeight(uint256 index, uint256 snapshotTime) public view returns (uint256) {
        for (uint256 i = _seen.length; i > 0; i--) {
            if (_seen[i - 1].time >= snapshotTime) continue;
            uint256[2] memory each = _seen[i - 1].weights[index];
            return each[0] + each[1] * 15_000 / 10_000;
        }
        return 0;
    }

    function fixedCount() external view returns (uint256) {
        return fixedEpochs.length;
    }

    /// @dev All stakes, a vault after the other for each operator for each staker
    function _stakes() private view returns (uint256[] memory list) {
        list = new uint256[](4 * STAKERS);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = vaults[i % 2].stakeOf(staker(i / 4), operator(i / 2));
        }
    }

    function _exitValues() private view returns (uint256[] memory list) {
        list = new uint256[](_exits.length);
        for (uint256 i = 0; i < list.length; i++) {
            if (!_exits[i].isComplete) list[i] = vaults[_exits[i].which].withdrawal(_exits[i].id).assets;
        }
    }

    function _slashableClaims(uint256 which, address guilty) private view returns (uint256 sum) {
        for (uint256 i = 0; i < STAKERS; i++) {
            sum += vaults[which].stakeOf(staker(i), guilty);
        }
        for (uint256 i = 0; i < _exits.length; i++) {
            Exit storage each = _exits[i];
            if (each.which == which && each.operator == guilty && time < each.releaseTime) {
                sum += vaults[which].withdrawal(each.id).assets;
            }
        }
    }

    function _recordSlash(uint256 which, address guilty, uint256 wad, uint256[] memory before) private {
        for (uint256 i = 0; i < _exits.length; i++) {
            Exit storage each = _exits[i];
            if (each.isComplete) continue;
            uint256 left = vaults[each.which].withdrawal(each.id).assets;
            if (each.which == which && each.operator == guilty && time < each.releaseTime) {
                assertTrue(left <= before[i]);
                each.atMost = (each.atMost * (WAD - wad) + WAD - 1) / WAD;
                each.slashes++;
            } else {
                assertEq(left, before[i]);
            }
        }
    }

    function _expectBetweenBounds(Exit storage each, uint256 paid) private view {
        assertTrue(paid <= each.assets && paid * WAD <= each.atMost);
        // The other bound: rounding takes two units a slash at most, but for the last billionth.
        bool isDust = each.atMost < each.assets * 1e9;
        assertTrue(isDust || (paid + 2 * each.slashes + 2) * WAD >= each.atMost);
    }

    function _expectOthersUnchanged(uint256[] memory before, address actor) private view {
        uint256[] memory afterwards = _stakes();
        for (uint256 i = 0; i < before.length; i++) {
            if (staker(i / 4) != actor) assertEq(afterwards[i], before[i]);
        }
    }

    function _see() private {
        _seen.push();
        Seen storage seen = _seen[_seen.length - 1];
        seen.time = time;
        for (uint256 i = 0; i < 4; i++) {
            uint256 weight = vaults[i % 2].weightAt(operator(i / 2), time + 1);
            uint256 sum = 0;
            for (uint256 j = 0; j < STAKERS; j++) {
                sum += vaults[i % 2].stakeOf(staker(j), operator(i / 2));
            }
            // What is rounded off each staker's part is less than a unit.
            assertTrue(weight >= sum / UNIT && weight <= (sum + STAKERS - 1) / UNIT);
            seen.weights[i / 2][i % 2] = weight;
        }
    }

    function _deposit(StakeVault vault, LocalToken token, address from, address to, uint256 assets)
        private
        returns (bool isTaken)
    {
        token.mint(from, assets);
        vm.prank(from);
        bytes memory answer;
        (isTaken, answer) = address(vault).call(abi.encodeCall(IStakeVault.deposit, (to, assets)));
        if (!isTaken) assertEq(answer, abi.encodeWithSelector(IStakeVault.OperatorDepleted.selector, to));
    }

    /// @dev From dust to more than anybody has
    function _bound(uint256 assets) private pure returns (uint256) {
        return assets % 4 == 0 ? assets % 8 + 1 : assets % 1e24 + 1;
    }

    function _register(address who, uint256 secret) private {
        bytes memory key = publicKeyOf(secret);
        bytes32 digest = keyRegistrationDigest(CHAIN, address(registry), who, key, 0);
        bytes memory proof = sign(secret, BLS.PROOF_OF_POSSESSION_TAG, digest);
        vm.prank(who);
        registry.registerOperator(key, proof);
    }
}
