"""What moto does again and again, or keeps for ever, that a server which starts fast and stays up does once, or not."""

import functools
import json
from typing import Any

from moto.cloudformation import models as cloudformation_models
from moto.core.loaders import create_loader
from moto.core.utils import method_names_from_class
from moto.kms.utils import AbstractPrivateKey

from embedded_aws.context import Context
from embedded_aws.guard import Patch

_METHOD_NAMES = Patch("moto.core.responses:method_names_from_class", "9dbac89d082b655f")
_NEW_MODEL = Patch("moto.core.common_models:BaseModel.__new__", "08cf0ef20e88029a")
_LOADER = Patch("moto.core.utils:create_loader", "b94f7ea2b2fa445a")
_PARSE_TEMPLATE = Patch("moto.cloudformation.models:Stack.parse_template", "780e8fac6c67e689")
_PARSE_CHANGE_SET = Patch("moto.cloudformation.models:ChangeSet._parse_template", "332663244e4254e7")
_PRIVATE_KEY = Patch("moto.kms.models:generate_private_key", "cdf2b67aac1401be")
_STRUCTURE = Patch("moto.core.serialize:BaseJSONSerializer._serialize_type_structure", "36873909cd0aeb4d")
_BUILDER = Patch("werkzeug.routing.rules:Rule._compile_builder", "a0ec55cf067ff5d5")
PATCHES = (_STRUCTURE, _BUILDER, _METHOD_NAMES, _NEW_MODEL, _LOADER, _PARSE_TEMPLATE, _PARSE_CHANGE_SET, _PRIVATE_KEY)

# Binary values, sets and what holds others are serialized as moto does.
_KEPT_AS_SENT = frozenset({"S", "N", "BOOL", "NULL"})

# Reads each service's model once, for moto and for the clients in this process.
loader = functools.cache(create_loader)


def install(context: Context) -> None:
    """Take the short ways."""
    _METHOD_NAMES.apply(functools.cache(method_names_from_class))
    _LOADER.apply(loader)
    # For each of a thousand routes werkzeug compiles two functions that would build a URL; moto builds none.
    compile_builder: Any = _BUILDER.apply(
        lambda rule, append_unknown=True: _later(compile_builder, rule, append_unknown)
    )
    # moto keeps every object it ever made, to reset itself; a server that stays up would only grow.
    _NEW_MODEL.apply(staticmethod(lambda cls, *_, **__: object.__new__(cls)))
    # JSON is YAML, but a hundred times faster to read as what it is.
    read_yaml: Any = _PARSE_TEMPLATE.apply(staticmethod(lambda template: _parsed(template, read_yaml)))
    _PARSE_CHANGE_SET.apply(_parse_change_set)
    structure: Any = _STRUCTURE.apply(lambda *given: _structure(structure, *given))
    make_key: Any = _PRIVATE_KEY.apply(lambda key_spec: _private_key(key_spec, make_key))


def _later(compile_builder: Any, rule: Any, append_unknown: bool) -> Any:
    def build(bound: Any, **values: Any) -> Any:
        return compile_builder(rule, append_unknown)(bound, **values)

    return build


def _structure(serialize: Any, serializer: Any, serialized: dict[str, Any], value: Any, shape: Any, key: str) -> None:
    """A value of DynamoDB is kept as it is sent, but each of the ten kinds that it may have is looked for.

    That is most of the time that reading a table takes, each under all the names that moto's own objects could have.
    """
    if key and shape.name == "AttributeValue" and type(value) is dict and value.keys() <= _KEPT_AS_SENT:
        serialized[key] = value
        return
    serialize(serializer, serialized, value, shape, key)


def _parsed(template: str, read_yaml: Any) -> Any:
    try:
        return json.loads(template)
    except ValueError:
        return read_yaml(template)


def _parse_change_set(change_set: Any) -> None:
    change_set.template_dict = cloudformation_models.Stack.parse_template(change_set.template)


def _private_key(key_spec: str, make_key: Any) -> AbstractPrivateKey | None:
    """Nothing for symmetric keys: moto makes an RSA key pair for them too."""
    key: AbstractPrivateKey | None = make_key(key_spec) if key_spec.startswith(("RSA", "ECC")) else None
    return key
