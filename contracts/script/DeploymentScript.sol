// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITimelock} from "./ITimelock.sol";
import {ScriptVm} from "./ScriptVm.sol";

/// @title What the deployments of a network and of a light client share
/// @notice Every contract stands at an address that its creation code, its arguments and the salt
/// determine (CREATE2), so that a deployment that broke off goes on where it stopped, and one that is
/// complete is only described. Parameters come as one JSON object in which each is named and none is
/// unknown. The scripts import interfaces alone and read the committed creation code: they compile in
/// seconds, and what they deploy is what the tests tested.
abstract contract DeploymentScript {
    /// @dev What every deployment takes
    struct Plan {
        bytes32 salt;
        /// @dev Pays, and has no power afterwards
        address deployer;
    }

    /// @dev Who owns what is deployed
    struct Powers {
        /// @dev Schedule and cancel what the timelock does
        address[] governors;
        /// @dev Execute it once it is due; the zero address lets anyone
        address[] executors;
        /// @dev Between the two, in seconds
        uint256 delay;
    }

    /// @dev The calls that the timelock makes in one batch
    struct Calls {
        address[] targets;
        bytes[] payloads;
        uint256 count;
    }

    /// @dev A batch as the timelock takes it, and the id by which it knows it
    struct HandOver {
        bytes32 id;
        address[] targets;
        uint256[] values;
        bytes[] payloads;
    }

    /// @notice A parameter is missing, unknown or out of range
    error InvalidParameter(string name, string rule);
    /// @notice The chain behind the RPC is not the one that the parameters are for
    error WrongChain(uint256 chainId, uint256 expected);
    /// @notice The chain has no deterministic deployment proxy
    error NoDeploymentProxy(address proxy);
    /// @notice The constructor refused its arguments, or the gas did not suffice
    error NotDeployed(string name);
    /// @notice The deployer has left the timelock already: other parameters are the governors' to set
    error AlreadyHandedOver(address timelock);
    /// @notice Somebody has a power that the parameters do not give, or lacks one that they do
    error PowersDiffer(address timelock, address account);

    ScriptVm internal constant vm = ScriptVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev The deterministic deployment proxy: takes a salt and creation code, and is on most chains
    address internal constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    address private constant CONSOLE = 0x000000000000000000636F6e736F6c652e6c6f67;

    bytes32 private constant ADMIN = 0;
    bytes32 private constant PROPOSER = keccak256("PROPOSER_ROLE");
    bytes32 private constant EXECUTOR = keccak256("EXECUTOR_ROLE");
    bytes32 private constant CANCELLER = keccak256("CANCELLER_ROLE");

    uint256 private constant MAX_ACCOUNTS = 16;
    uint256 private constant MAX_CALLS = 512;

    function _readPlan(string memory json) internal view returns (Plan memory plan) {
        uint256 chainId = _uint(json, "chainId", 1, type(uint64).max);
        if (chainId != block.chainid) revert WrongChain(block.chainid, chainId);
        plan.salt = vm.parseJsonBytes32(json, ".salt");
        plan.deployer = vm.parseJsonAddress(json, ".deployer");
        _require(plan.deployer != address(0), "deployer", "is an account");
    }

    function _readPowers(string memory json, address deployer) internal view returns (Powers memory powers) {
        powers.governors = vm.parseJsonAddressArray(json, ".governors");
        powers.executors = vm.parseJsonAddressArray(json, ".executors");
        _requireOthers(powers.governors, deployer, "governors");
        _requireOthers(powers.executors, deployer, "executors");
        for (uint256 i = 0; i < powers.governors.length; i++) {
            _require(powers.governors[i] != address(0), "governors", "are accounts");
        }
        // A delay that the clock never reaches would leave the contracts without an owner.
        powers.delay = _uint(json, "timelockDelaySeconds", 1, 365 days);
    }

    /// @dev A timelock that answers to the deployer alone, and at once, until it is handed over
    function _deployTimelock(Plan memory plan) internal returns (ITimelock) {
        address[] memory deployer = new address[](1);
        deployer[0] = plan.deployer;
        bytes memory arguments = abi.encode(0, deployer, deployer, address(0));
        return ITimelock(_deploy(plan, "TimelockController", arguments, 0));
    }

    function _deploy(Plan memory plan, string memory name, bytes memory arguments, uint256 value)
        internal
        returns (address place)
    {
        if (PROXY.code.length == 0) revert NoDeploymentProxy(PROXY);
        bytes memory creation = bytes.concat(_creationCode(name), arguments);
        place = _addressOf(plan.salt, creation);
        if (place.code.length != 0) {
            _log(string.concat(name, " stands at"), place);
            return place;
        }
        vm.startBroadcast(plan.deployer);
        (bool isDone,) = PROXY.call{value: value}(bytes.concat(plan.salt, creation));
        vm.stopBroadcast();
        if (!isDone || place.code.length == 0) revert NotDeployed(name);
        _log(string.concat(name, " deployed at"), place);
    }

    /// @dev Where a contract stands or will stand
    function _addressOf(Plan memory plan, string memory name, bytes memory arguments)
        internal
        view
        returns (address)
    {
        return _addressOf(plan.salt, bytes.concat(_creationCode(name), arguments));
    }

    function _newCalls() internal pure returns (Calls memory calls) {
        calls.targets = new address[](MAX_CALLS);
        calls.payloads = new bytes[](MAX_CALLS);
    }

    function _add(Calls memory calls, address target, bytes memory payload) internal pure {
        calls.targets[calls.count] = target;
        calls.payloads[calls.count] = payload;
        calls.count++;
    }

    /// @dev Schedules what the timelock does in one batch, the calls and then its own powers, and gives
    /// it its delay: a contract that demands an owner with a delay can be deployed from here on, and
    /// what is scheduled is due at once all the same.
    function _scheduleHandOver(
        Plan memory plan,
        Powers memory powers,
        ITimelock timelock,
        Calls memory calls
    ) internal returns (HandOver memory handOver) {
        _addPowers(calls, address(timelock), plan.deployer, powers);
        handOver = _handOverOf(timelock, calls, plan.salt);
        if (timelock.isOperationDone(handOver.id)) return handOver;
        bool isOpen = timelock.getMinDelay() == 0 && timelock.hasRole(PROPOSER, plan.deployer);
        if (!timelock.isOperation(handOver.id)) {
            if (!isOpen) revert AlreadyHandedOver(address(timelock));
            _schedule(plan, timelock, handOver);
        }
        if (timelock.getMinDelay() != 0) return handOver;
        Calls memory delay = _newCalls();
        _add(delay, address(timelock), abi.encodeCall(ITimelock.updateDelay, (powers.delay)));
        HandOver memory lengthen = _handOverOf(timelock, delay, plan.salt);
        if (!timelock.isOperation(lengthen.id)) _schedule(plan, timelock, lengthen);
        _execute(plan, timelock, lengthen);
    }

    /// @dev Does what is scheduled, after which the deployer has no power left
    function _finishHandOver(
        Plan memory plan,
        Powers memory powers,
        ITimelock timelock,
        HandOver memory handOver
    ) internal {
        if (timelock.isOperationDone(handOver.id)) {
            _log("Handed over before to the timelock", address(timelock));
        } else {
            _execute(plan, timelock, handOver);
            _requireGiven(powers, timelock);
            _log("Handed over to the timelock", address(timelock));
        }
        _requireGone(plan.deployer, timelock);
    }

    function _uint(string memory json, string memory name, uint256 least, uint256 greatest)
        internal
        view
        returns (uint256 value)
    {
        return _uintAt(json, string.concat(".", name), least, greatest);
    }

    function _uintAt(string memory json, string memory path, uint256 least, uint256 greatest)
        internal
        view
        returns (uint256 value)
    {
        _require(vm.keyExistsJson(json, path), path, "is missing");
        value = vm.parseJsonUint(json, path);
        _require(
            value >= least && value <= greatest,
            path,
            string.concat("is from ", vm.toString(least), " to ", vm.toString(greatest))
        );
    }

    /// @dev How many elements a list has
    function _count(string memory json, string memory name, uint256 most)
        internal
        view
        returns (uint256 count)
    {
        while (vm.keyExistsJson(json, _at(name, count))) {
            count++;
            _require(count <= most, name, string.concat("are at most ", vm.toString(most)));
        }
    }

    /// @dev The path of a list's element
    function _at(string memory name, uint256 index) internal pure returns (string memory) {
        return string.concat(".", name, "[", vm.toString(index), "]");
    }

    /// @dev Every parameter has to be given, so that a misspelled name is never a silent default
    /// @param wanted The names, a space between each two
    function _requireKeys(string memory json, string memory path, string memory wanted) internal pure {
        string[] memory names = vm.split(wanted, " ");
        string[] memory given = vm.parseJsonKeys(json, path);
        for (uint256 i = 0; i < names.length; i++) {
            _require(_has(given, names[i]), names[i], "is missing");
        }
        for (uint256 i = 0; i < given.length; i++) {
            _require(_has(names, given[i]), given[i], "is no parameter");
        }
    }

    function _require(bool condition, string memory name, string memory rule) internal pure {
        if (!condition) revert InvalidParameter(name, rule);
    }

    function _schedule(Plan memory plan, ITimelock timelock, HandOver memory handOver) private {
        vm.startBroadcast(plan.deployer);
        timelock.scheduleBatch(handOver.targets, handOver.values, handOver.payloads, 0, plan.salt, 0);
        vm.stopBroadcast();
    }

    function _execute(Plan memory plan, ITimelock timelock, HandOver memory handOver) private {
        vm.startBroadcast(plan.deployer);
        timelock.executeBatch(handOver.targets, handOver.values, handOver.payloads, 0, plan.salt);
        vm.stopBroadcast();
    }

    function _handOverOf(ITimelock timelock, Calls memory calls, bytes32 salt)
        private
        pure
        returns (HandOver memory handOver)
    {
        uint256 count = calls.count;
        handOver = HandOver(0, new address[](count), new uint256[](count), new bytes[](count));
        for (uint256 i = 0; i < count; i++) {
            (handOver.targets[i], handOver.payloads[i]) = (calls.targets[i], calls.payloads[i]);
        }
        handOver.id =
            timelock.hashOperationBatch(handOver.targets, handOver.values, handOver.payloads, 0, salt);
    }

    function _addPowers(Calls memory calls, address timelock, address deployer, Powers memory powers)
        private
        pure
    {
        for (uint256 i = 0; i < powers.governors.length; i++) {
            _add(calls, timelock, abi.encodeCall(ITimelock.grantRole, (PROPOSER, powers.governors[i])));
            _add(calls, timelock, abi.encodeCall(ITimelock.grantRole, (CANCELLER, powers.governors[i])));
        }
        for (uint256 i = 0; i < powers.executors.length; i++) {
            _add(calls, timelock, abi.encodeCall(ITimelock.grantRole, (EXECUTOR, powers.executors[i])));
        }
        _add(calls, timelock, abi.encodeCall(ITimelock.revokeRole, (PROPOSER, deployer)));
        _add(calls, timelock, abi.encodeCall(ITimelock.revokeRole, (CANCELLER, deployer)));
        _add(calls, timelock, abi.encodeCall(ITimelock.revokeRole, (EXECUTOR, deployer)));
    }

    function _requireGiven(Powers memory powers, ITimelock timelock) private view {
        for (uint256 i = 0; i < powers.governors.length; i++) {
            address governor = powers.governors[i];
            if (!timelock.hasRole(PROPOSER, governor) || !timelock.hasRole(CANCELLER, governor)) {
                revert PowersDiffer(address(timelock), governor);
            }
        }
        for (uint256 i = 0; i < powers.executors.length; i++) {
            if (!timelock.hasRole(EXECUTOR, powers.executors[i])) {
                revert PowersDiffer(address(timelock), powers.executors[i]);
            }
        }
        bool isAdmin = timelock.hasRole(ADMIN, address(timelock));
        if (!isAdmin || timelock.getMinDelay() != powers.delay) {
            revert PowersDiffer(address(timelock), address(timelock));
        }
    }

    function _requireGone(address deployer, ITimelock timelock) private view {
        bytes32[4] memory roles = [ADMIN, PROPOSER, CANCELLER, EXECUTOR];
        for (uint256 i = 0; i < roles.length; i++) {
            if (timelock.hasRole(roles[i], deployer)) revert PowersDiffer(address(timelock), deployer);
        }
    }

    function _requireOthers(address[] memory accounts, address deployer, string memory name) private pure {
        _require(accounts.length != 0 && accounts.length <= MAX_ACCOUNTS, name, "are 1 to 16");
        for (uint256 i = 0; i < accounts.length; i++) {
            _require(accounts[i] != deployer, name, "are not the deployer, who keeps no power");
        }
    }

    function _creationCode(string memory name) private view returns (bytes memory) {
        return vm.parseBytes(vm.trim(vm.readFile(string.concat("creation-code/", name, ".hex"))));
    }

    function _addressOf(bytes32 salt, bytes memory creation) private pure returns (address) {
        bytes32 hash = keccak256(abi.encodePacked(hex"ff", PROXY, salt, keccak256(creation)));
        return address(uint160(uint256(hash)));
    }

    function _has(string[] memory names, string memory name) private pure returns (bool) {
        for (uint256 i = 0; i < names.length; i++) {
            if (keccak256(bytes(names[i])) == keccak256(bytes(name))) return true;
        }
        return false;
    }

    function _log(string memory text, address place) private view {
        (bool isLogged,) = CONSOLE.staticcall(abi.encodeWithSignature("log(string,address)", text, place));
        // A line that is not shown changes nothing.
        isLogged;
    }
}
