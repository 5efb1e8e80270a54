// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../src/libraries/Certificates.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

/// @dev Submits certificates of two branches, good and bad, follows or skips set updates, reports forks
/// and does what the owner may. After every action it looks at all blocks that could be fast-final.
contract LightClientHandler is LightClientTestBase {
    uint64 public constant CHAIN_LENGTH = 400;
    uint64 private constant FORKED_AT = 4;
    /// @dev More than a client holds, so that some are pushed out
    uint64 private constant RANGE = 24;

    uint256 public time;
    uint256 public freezes;
    uint256 public accepted;
    uint64 private _floor;
    bytes32[2][] private _chain;
    bytes[2][] private _headers;
    mapping(bytes32 digest => bool) private _isCertified;
    mapping(uint64 blockNumber => bytes32) private _block;
    mapping(uint64 blockNumber => bytes32) private _digest;

    function start() external {
        setUp();
        time = vm.getBlockTimestamp();
        bytes32[2] memory parents;
        for (uint64 i = 0; i <= CHAIN_LENGTH; i++) {
            bytes[2] memory headers;
            for (uint256 branch = 0; branch < 2; branch++) {
                uint256 extra = i > FORKED_AT ? branch : 0;
                headers[branch] = abi.encode(i, i, parents[branch], extra);
                parents[branch] = keccak256(headers[branch]);
            }
            _headers.push(headers);
            _chain.push(parents);
        }
    }

    /// @dev `kind` is taken apart: a rare other branch or claim, who signs, the epoch
    function certify(uint64 height, uint256 kind) external {
        vm.warp(time);
        uint64 number = _floor + height % RANGE + (kind % 32 == 31 ? 0 : 1);
        if (number > CHAIN_LENGTH) return;
        Certificates.Claim memory claim = claimOf(number, _chain[number][kind % 16 == 0 ? 1 : 0]);
        if (kind % 16 == 1) claim.outputRoot = "another";
        claim.epoch = client.newestEpoch() - uint64((kind >> 16) % 2);
        claim.timestamp = startOf(claim.epoch) + 1;
        bytes32 digest = digestOf(domain, claim);
        uint256 who = (kind >> 8) % 6;
        bool isGood = who < 4 && _isAccepting(claim);
        if (isGood) _isCertified[digest] = true;
        bool wasHeld = isHeld(number);
        bool conflicts = wasHeld && _digest[number] != digest;
        try client.submitCertificate(claim, _signedBy(claim, who)) returns (bool holds) {
            if (holds) {
                assertTrue(_isCertified[digest] && !conflicts);
                if (!wasHeld) (accepted, _digest[number]) = (accepted + 1, digest);
            }
            if (conflicts) assertTrue(_isFrozen());
        } catch {
            assertTrue(!isGood);
        }
        if (conflicts && _isFrozen()) freezes++;
        look();
    }

    function follow(uint256 kind) external {
        vm.warp(time);
        uint64 newest = client.newestEpoch();
        // Also an epoch that is not the next, and one by a set that did not sign it.
        uint64 epoch = newest + (kind % 8 == 0 ? 2 : 1);
        Certificates.Signers memory signed =
            everyoneForUpdate(kind % 8 == 1 ? epoch + 1 : epoch, setOf(epoch, 4, 1).operatorSetHash);
        bool isFollowed = false;
        try client.submitSetUpdate(epoch, setOf(epoch, 4, 1).operatorSetHash, signed) {
            isFollowed = true;
        } catch {}
        assertEq(client.newestEpoch(), isFollowed ? newest + 1 : newest);
        if (isFollowed) assertTrue(kind % 8 > 1);
        look();
    }

    function report(uint64 height, uint64 depth, uint256 branch) external {
        vm.warp(time);
        uint64 higher = _floor + height % RANGE + 1;
        if (higher > CHAIN_LENGTH) return;
        uint64 count = depth % RANGE % (higher + 1);
        uint64 lower = higher - count;
        branch %= 2;
        bytes[] memory headers = new bytes[](count);
        for (uint64 i = 0; i < count; i++) {
            headers[i] = _headers[higher - i][branch];
        }
        bool isTrue = count > 0 && isHeld(higher) && isHeld(lower)
            && _block[higher] == _chain[higher][branch] && _block[lower] != _chain[lower][branch];
        bool wasFrozen = _isFrozen();
        try client.submitFork(ROLLUP, higher, headers) {
            assertTrue(isTrue && _isFrozen());
            freezes++;
        } catch {
            assertTrue(!isTrue && _isFrozen() == wasFrozen);
        }
        look();
    }

    function resume(uint64 more) external {
        vm.warp(time);
        (uint64 newest,) = client.newestBlock(ROLLUP);
        uint64 floor = _floor + RANGE + more % 4;
        if (!_isFrozen() || floor + RANGE > CHAIN_LENGTH) return;
        assertEq(newest, 0);
        vm.prank(address(timelock));
        client.resumeRollup(ROLLUP, floor);
        _floor = floor;
        look();
    }

    function pause(uint256 kind) external {
        vm.prank(address(timelock));
        client.setPaused(kind % 4 == 0);
        look();
    }

    /// @dev Over a gap, to the present epoch
    function trust() external {
        vm.warp(time);
        uint64 epoch = uint64((time - GENESIS) / EPOCH_SECONDS);
        if (epoch <= client.newestEpoch()) return;
        bytes32 setHash = setOf(epoch, 4, 1).operatorSetHash;
        vm.prank(address(timelock));
        client.trustOperatorSet(epoch, setHash);
    }

    function wait(uint256 secondsToWait) external {
        time += secondsToWait % 8 == 0 ? 200 : secondsToWait % 30;
        vm.warp(time);
        look();
    }

    function look() public {
        uint256 count = 0;
        bool isFrozen = _isFrozen();
        (uint64 newest, bytes32 newestHash) = client.newestBlock(ROLLUP);
        for (uint64 i = _floor > 2 * RANGE ? _floor - 2 * RANGE : 0; i <= _floor + RANGE; i++) {
            if (i > CHAIN_LENGTH) break;
            for (uint256 branch = 0; branch < (i > FORKED_AT ? 2 : 1); branch++) {
                if (!client.isFastFinal(ROLLUP, i, _chain[i][branch])) continue;
                count++;
                // What was ever fast-final at this height is all that ever is.
                assertTrue(!isFrozen && i > _floor && i <= newest);
                assertTrue(_block[i] == 0 || _block[i] == _chain[i][branch]);
                if (i == newest) assertEq(newestHash, _chain[i][branch]);
                assertTrue(_isCertified[_digest[i]]);
                _block[i] = _chain[i][branch];
            }
        }
        assertTrue(count <= 16 && (count == 0) == (newest == 0));
    }

    /// @dev By the record of this contract and the client's answer
    function isHeld(uint64 number) public view returns (bool) {
        return _block[number] != 0 && client.isFastFinal(ROLLUP, number, _block[number]);
    }

    function _isAccepting(Certificates.Claim memory claim) private view returns (bool) {
        return !client.isPaused() && !_isFrozen() && claim.blockNumber > _floor
            && client.operatorSetHash(claim.epoch) != 0
            && time <= startOf(claim.epoch + 1) + WINDOW;
    }

    function _isFrozen() private view returns (bool isFrozen) {
        (, isFrozen) = client.conflict(ROLLUP);
    }

    /// @dev All, three of four, two of four, or a signature over another claim
    function _signedBy(Certificates.Claim memory claim, uint256 who)
        private
        view
        returns (Certificates.Signers memory)
    {
        TestSet memory set = setOf(claim.epoch, 4, 1);
        bytes32 digest = digestOf(domain, claim);
        if (who == 5) return signersWithout(set, new uint256[](0), keccak256(abi.encode(digest)));
        return signersWithout(set, indices(who == 4 ? 2 : who % 2, 4), digest);
    }
}
