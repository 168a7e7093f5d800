"""Where settings are found, and how a bad one is told: one line that names it."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

CONTEXT_PREFIX = "genomics:"
ENVIRONMENT_PREFIX = "GENOMICS_"


class SettingsError(ValueError):
    """A setting cannot be used; the message is one line that names it and says what is allowed."""


def check_variables(settings: type[BaseModel], environment: Mapping[str, str]) -> None:
    """Find misspelt settings. Other variables may begin like ours, so only those that are nearly one are refused."""
    for name in sorted(environment):
        setting = name.removeprefix(ENVIRONMENT_PREFIX).partition("__")[0].lower()
        if name.startswith(ENVIRONMENT_PREFIX) and setting not in settings.model_fields:
            for near in difflib.get_close_matches(setting, settings.model_fields, n=1, cutoff=0.8):
                raise SettingsError(f"{name} is no setting; do you mean {ENVIRONMENT_PREFIX}{near.upper()}?")


def nested(context: Mapping[str, Any]) -> dict[str, Any]:
    """Our settings among the context, `genomics:a.b` as `{"a": {"b": …}}`."""
    values: dict[str, Any] = {}
    for key in sorted(context):
        if key.startswith(CONTEXT_PREFIX):
            *parents, name = key.removeprefix(CONTEXT_PREFIX).split(".")
            place = values
            for parent in parents:
                place = place.setdefault(parent, {})
                if not isinstance(place, dict):
                    raise SettingsError(f"{key}: {parent} is set as a whole already")
            place[name] = context[key]
    return values


def line(settings: type[BaseModel], error: ValidationError) -> str:
    """The first of the errors: which setting, what it is, what is allowed."""
    first = error.errors()[0]
    names = [str(part) for part in first["loc"]]
    spelled = f"{'.'.join(names)} ({ENVIRONMENT_PREFIX}{'__'.join(names).upper()})"
    allowed = ""
    model: Any = settings
    for name in names:
        field = model.model_fields.get(name) if isinstance(model, type) and issubclass(model, BaseModel) else None
        if field is None:
            break
        model, allowed = field.annotation, field.description or ""
    if first["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else ""
        return f"{spelled} is no setting; there are {known}"
    given = (
        f"cannot be {first['input']!r}" if isinstance(first["input"], str | int | float | list) else "cannot be used"
    )
    why = f" ({first['ctx']['error']})" if first["type"] == "value_error" else ""
    wanted = f"; allowed: {allowed}" if allowed else ""
    return f"{spelled} {given}{why}{wanted}"
