"""Rules: conditions on sessions, and the webhooks that tell of them (docs/RULES.md)."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, cast

from .transport import Transport, path


class Rules:
    """`client.rules`. Values are as docs/API.md has them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, model: str) -> List[Dict[str, Any]]:
        """The rules of a model: in how many sessions each fires, and how its webhook does."""
        reply = self._transport.json("GET", path("models", model, "rules"), is_repeatable=True)
        return cast("List[Dict[str, Any]]", reply["rules"])

    def get(self, model: str, rule: str, limit: Optional[int] = None) -> Dict[str, Any]:
        """One rule, with up to `limit` sessions in which it fires. GrudError: rule_not_found."""
        return cast(Dict[str, Any], self._transport.json(
            "GET", path("models", model, "rules", rule), query={"limit": limit},
            is_repeatable=True))

    def put(self, model: str, rule: str, wanted: Mapping[str, Any]) -> Dict[str, Any]:
        """Makes the rule, or puts it in the place of the one of that name: {"coverage": True,
        "below": 0.8, "prefix": "pump-", "url": "https://example.org/hooks"}.

        GrudError: rule_not_supported, rules_full (beyond --rule-max).
        """
        return cast(Dict[str, Any], self._transport.json(
            "PUT", path("models", model, "rules", rule), dict(wanted), is_repeatable=True))

    def delete(self, model: str, rule: str) -> None:
        """Ends the rule, and what fires by it. GrudError: rule_not_found."""
        self._transport.json("DELETE", path("models", model, "rules", rule))
