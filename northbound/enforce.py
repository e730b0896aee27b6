"""Policy enforcement by oslo.policy: the rules of `policies`, overridden by a file ([oslo_policy] policy_file).

Rules are pure functions of a caller and of those attributes of an object that they name.  What was decided is
remembered by exactly these, for a second: a list of a thousand ports asks the same few questions again and again.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import yaml  # type: ignore[import-untyped]
from oslo_config import cfg
from oslo_policy import _checks as checks
from oslo_policy import policy as oslo

from controller.runtime.errors import Forbidden, Misconfigured
from controller.runtime.files import check_trusted

from .auth import Caller
from .field import RequestField
from .policies import rules
from .policy import Target
from .v2.catalogue import RESOURCES

log = logging.getLogger("tenet.policy")
RELOAD = 1.0  # seconds between looks at the files
REMEMBERED = 10_000  # decisions
_MISSING = object()
_NAMES = re.compile(r"%\(([^()]*+)\)s")
_FILE_ERRORS = (
    cfg.Error,
    oslo.InvalidDefinitionError,
    oslo.InvalidRuleDefault,
    oslo.PolicyNotRegistered,
    yaml.YAMLError,
    OSError,
    ValueError,
    TypeError,  # what is YAML and no mapping of names to texts
    AttributeError,
)


class Rules:
    """See policy.Policy."""

    def __init__(self, config_files: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        """Raises Misconfigured for a policy file that cannot be read or means nothing."""
        conf = cfg.ConfigOpts()
        conf(
            [part for path in config_files for part in ("--config-file", path)],
            project="tenet",
            default_config_files=[],
            default_config_dirs=[],
        )
        self._enforcer = oslo.Enforcer(conf)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(rules())
        self._usual = {  # what a new object has anyhow: operation -> attribute -> value
            f"create_{resource.policy_name}": {each.name: each.usual for each in resource.attributes}
            for resource in RESOURCES
        }
        self._clock = clock
        self._looked = clock()
        self._forget()
        try:
            self._enforcer.load_rules()
            self._enforcer.check_rules(raise_on_violation=True)
            check_trusted(self._enforcer.policy_path or "", "[oslo_policy] policy_file")
        except _FILE_ERRORS as error:
            raise Misconfigured(f"[oslo_policy] policy_file: {' '.join(str(error).split())}") from error

    def is_operator(self, caller: Caller) -> bool:
        return self._holds(caller, "context_is_admin", {})

    def check(self, caller: Caller, action: str, target: Target, attributes: Collection[str] = ()) -> None:
        self._refresh()
        self._require(caller, action, target)
        usual = self._usual.get(action)
        for name in attributes:
            value = target.get(name)
            if usual is not None and (value is None or value == usual.get(name)):
                continue
            rule = f"{action}:{name}"
            if rule in self._enforcer.rules:
                self._require(caller, rule, target)
            for part in sorted(_parts(value)):
                if f"{rule}:{part}" in self._enforcer.rules:
                    self._require(caller, f"{rule}:{part}", target)

    def hidden(self, caller: Caller, resource: str, target: Target | None) -> Collection[str]:
        self._refresh()
        rules = self._hiding.get(resource)
        if rules is None:
            prefix = f"get_{resource}:"
            rules = {name: name.removeprefix(prefix) for name in self._enforcer.rules if name.startswith(prefix)}
            self._hiding[resource] = rules
        return [name for rule, name in rules.items() if not self._holds(caller, rule, target or {})]

    def judges(self, resource: str) -> bool:
        """Only an operator's file can make it so: the rules of `policies` say of lists what `visibility` does."""
        self._refresh()
        known = self._judging.get(resource)
        if known is None:
            get = f"get_{resource}"
            rules = self._enforcer.rules
            asked = [rule for rule in rules if rule == get or rule.startswith(f"{get}:")]
            overridden = [rule for rule in asked if not referred(rules, rule).isdisjoint(self._enforcer.file_rules)]
            known = self._judging[resource] = any(reading(rules, rule) != [] for rule in overridden)
        return known

    # --- one rule ---

    def _require(self, caller: Caller, rule: str, target: Target) -> None:
        if not self._holds(caller, rule, target):
            raise Forbidden(f"(rule:{rule}) is disallowed by policy", "PolicyNotAuthorized")

    def _holds(self, caller: Caller, rule: str, target: Target) -> bool:
        reads = self._reads.get(rule, ())
        if reads == ():
            reads = self._reads[rule] = reading(self._enforcer.rules, rule)
        if reads is None:
            return self._decide(caller, rule, dict(target))  # somebody's own check may copy it, or send it away
        key = (caller, rule, *[target.get(name, _MISSING) for name in reads])
        try:
            known = self._decided.get(key)
        except TypeError:  # a value that cannot be a key
            return self._decide(caller, rule, target)
        if known is None:
            known = self._decide(caller, rule, target)
            if len(self._decided) < REMEMBERED:
                self._decided[key] = known
        return known

    def _decide(self, caller: Caller, rule: str, target: Target) -> bool:
        try:
            check = self._enforcer.rules[rule]
        except KeyError:
            return False  # not even `default` is there
        return bool(checks._check(check, target, _credentials(caller), self._enforcer, rule))

    # --- files that change ---

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._looked < RELOAD:
            return
        self._looked = now
        try:
            self._enforcer.load_rules()
        except _FILE_ERRORS as error:
            log.error("policy stays as it was: %s", error)
        self._forget()

    def _forget(self) -> None:
        self._hiding: dict[str, dict[str, str]] = {}  # resource -> rules about seeing attributes, and these
        self._judging: dict[str, bool] = {}  # resource -> whether each object is judged
        self._reads: dict[str, Sequence[str] | None] = {}  # rule -> what it reads of an object
        self._decided: dict[tuple[object, ...], bool] = {}


def reading(rules: Mapping[str, Any], rule: str) -> list[str] | None:
    """The names of an object's attributes that a rule reads; None where it depends on who knows what."""
    found: set[str] = set()
    try:
        return sorted(found) if _read(rules, rules[rule], found) else None
    except KeyError:
        return None


def referred(rules: Mapping[str, Any], rule: str) -> set[str]:
    """The names of a rule and of all that it refers to."""
    found, ahead = set[str](), [rule]
    while ahead:
        name = ahead.pop()
        if name not in found and name in rules:
            found.add(name)
            ahead += _references(rules[name])
    return found


def _references(check: Any) -> list[str]:
    if isinstance(check, checks.RuleCheck):
        return [check.match]
    parts = getattr(check, "rules", None) or [each for each in (getattr(check, "rule", None),) if each is not None]
    return [name for part in parts for name in _references(part)]


def _read(rules: Mapping[str, Any], check: Any, found: set[str]) -> bool:
    """Add what a check reads; whether nothing else has a say in it."""
    if isinstance(check, RequestField):
        found.update(check.names)
    elif isinstance(check, checks.RuleCheck):
        return _read(rules, rules[check.match], found)  # of an unknown name, that is `default`
    elif isinstance(check, checks.AndCheck | checks.OrCheck):
        return all(_read(rules, each, found) for each in check.rules)
    elif isinstance(check, checks.NotCheck):
        return _read(rules, check.rule, found)
    elif type(check) in (checks.RoleCheck, checks.GenericCheck):
        found.update(_NAMES.findall(check.match))
        if type(check) is checks.GenericCheck and "." in check.kind:
            return False  # a path into credentials or the object
    elif not isinstance(check, checks.TrueCheck | checks.FalseCheck):
        return False  # another service, or somebody's own
    return True


def _credentials(caller: Caller) -> dict[str, Any]:
    return {
        "user_id": caller.user_id,
        "project_id": caller.project_id,
        "tenant_id": caller.project_id,
        "roles": list(caller.roles),
        "system_scope": caller.system_scope,
    }


def _parts(value: object) -> set[str]:
    """The keys of a dictionary, or of a list of them."""
    if isinstance(value, dict):
        return set(map(str, value))
    if not isinstance(value, list | tuple):
        return set()
    return {str(key) for item in value if isinstance(item, dict) for key in item}
