"""Clients of boto3 that hold every answer of the sandbox against botocore's model of the service.

botocore itself drops what it does not know; this looks at the bytes before botocore does.
"""

import json
import os
import re
import struct

import boto3
import botocore.config
import botocore.model

# Errors that any call may get; the model does not list them.
COMMON = {
    "AccessDeniedException",
    "InvalidSignatureException",
    "SerializationException",
    "ThrottlingException",
    "UnknownOperationException",
    "ValidationError",
}

# What this run speaks. botocore takes the first of its list that the service has.
PROTOCOL = os.environ.get("PROTOCOL", "json")
botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS = [PROTOCOL]
CONTENT_TYPE = {"json": "application/x-amz-json-1.1", "smithy-rpc-v2-cbor": "application/cbor"}[PROTOCOL]

called = set()
provoked = set()
# Which operation said which error.
pairs = set()
paginated = set()
# Members of inputs, as (structure, member), that were sent in calls that went well.
sent = set()
# The input of the call that is under way.
asked = None


def client(**config):
    """A CodeDeploy client that checks what it is told."""
    session = boto3.Session()
    session._session.register("before-parameter-build.codedeploy", remember)
    session._session.register("before-parse.codedeploy", check_answer)
    made = session.client("codedeploy", config=botocore.config.Config(**config))
    assert made.meta.service_model.resolved_protocol == PROTOCOL
    return made


def refused(code, call, **arguments):
    """The message of a call that must be refused with `code`."""
    try:
        answer = call(**arguments)
    except Exception as error:
        response = getattr(error, "response", None)
        if response is None:
            raise
        assert response["Error"]["Code"] == code, response["Error"]
        provoked.add(code)
        return response["Error"]["Message"]
    raise AssertionError(f"{code} expected: {answer}")


def remember(params, **_):
    global asked
    asked = params


def note_sent(shape, value):
    """Notes every member of an input that is there."""
    if shape is None:
        return
    if shape.type_name == "structure":
        for name, member in value.items():
            sent.add((shape.name, name))
            note_sent(shape.members[name], member)
    elif shape.type_name == "list":
        for member in value:
            note_sent(shape.member, member)


def sendable(made):
    """The members of all inputs of the model, as (structure, member)."""
    found, open_shapes = {}, [
        made.meta.service_model.operation_model(name).input_shape
        for name in made.meta.service_model.operation_names
    ]
    while open_shapes:
        shape = open_shapes.pop()
        if shape is None or shape.name in found:
            continue
        if shape.type_name == "structure":
            found[shape.name] = set(shape.members)
            open_shapes += shape.members.values()
        elif shape.type_name == "list":
            open_shapes.append(shape.member)
    return {(name, member) for name, members in found.items() for member in members}


def check_answer(operation_model, response_dict, **_):
    name, status, headers = operation_model.name, response_dict["status_code"], response_dict["headers"]
    called.add(name)
    if status == 200:
        note_sent(operation_model.input_shape, asked)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-amzn-RequestId"]), name
    assert headers["Content-Type"] == CONTENT_TYPE, name
    assert headers["Date"], name
    body = response_dict["body"]
    if status != 200:
        check_error(operation_model, decoded(body), status)
    elif operation_model.output_shape is None:
        assert body == b"", f"{name} has no output: {body}"
    else:
        check(operation_model.output_shape, decoded(body), name)


def decoded(body):
    if PROTOCOL == "json":
        return json.loads(body)
    value, rest = cbor(body)
    assert rest == b"", rest
    return value


class Seconds(float):
    """A time in CBOR."""


def cbor(data):
    """A CBOR item (RFC 8949) and what follows it. Not botocore's reader: that one is being tested too."""
    major, info, data = data[0] >> 5, data[0] & 31, data[1:]
    if major == 7:
        if info in (26, 27):
            size = 4 if info == 26 else 8
            return struct.unpack(">f" if size == 4 else ">d", data[:size])[0], data[size:]
        return {20: False, 21: True, 22: None}[info], data
    argument = info
    if 24 <= info <= 27:
        size = 1 << (info - 24)
        argument, data = int.from_bytes(data[:size], "big"), data[size:]
    if major == 0:
        return argument, data
    if major == 1:
        return -1 - argument, data
    if major == 3:
        return data[:argument].decode(), data[argument:]
    if major == 6:
        assert argument == 1, f"tag {argument}"
        value, data = cbor(data)
        return Seconds(value), data
    assert major in (4, 5), f"major type {major}"
    items = []
    count = None if info == 31 else argument * (2 if major == 5 else 1)
    while data[0] != 0xFF if count is None else len(items) < count:
        item, data = cbor(data)
        items.append(item)
    if count is None:
        data = data[1:]
    return (items if major == 4 else dict(zip(items[::2], items[1::2]))), data


def check_error(operation_model, body, status):
    assert set(body) == {"__type", "message"}, body
    modelled = {shape.name for shape in operation_model.error_shapes}
    assert body["__type"] in modelled | COMMON, f"{operation_model.name} has no {body['__type']}"
    assert body["__type"] in COMMON or status == 400, (status, body)
    pairs.add((operation_model.name, body["__type"]))


def check(shape, value, path):
    """Fails where `value` is not what `shape` says: an unknown or a missing member, a wrong type."""
    kind = shape.type_name
    if kind == "structure":
        assert isinstance(value, dict), f"{path}: {value!r}"
        for name in shape.required_members:
            assert name in value, f"{path}: no {name}"
        for name, member in value.items():
            assert name in shape.members, f"{path}: {name} is not in {shape.name}"
            check(shape.members[name], member, f"{path}.{name}")
    elif kind == "list":
        assert isinstance(value, list), f"{path}: {value!r}"
        for index, member in enumerate(value):
            check(shape.member, member, f"{path}[{index}]")
    elif kind == "map":
        assert isinstance(value, dict), f"{path}: {value!r}"
        for name, member in value.items():
            check(shape.key, name, f"{path} key")
            check(shape.value, member, f"{path}.{name}")
    elif kind == "string":
        assert isinstance(value, str), f"{path}: {value!r}"
        # OneAtATime reads back with a type that cannot be sent and that the model lacks.
        known = list(shape.enum) + (["MOST_CONCURRENCY"] if shape.name == "MinimumHealthyHostsType" else [])
        assert not shape.enum or value in known, f"{path}: {value!r} is not in {known}"
    elif kind == "boolean":
        assert isinstance(value, bool), f"{path}: {value!r}"
    elif kind in ("integer", "long"):
        assert isinstance(value, int) and not isinstance(value, bool), f"{path}: {value!r}"
    elif kind == "double":
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{path}: {value!r}"
    elif kind == "timestamp":
        assert PROTOCOL == "json" or isinstance(value, Seconds), f"{path}: {value!r}"
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{path}: {value!r}"
        assert abs(value * 1000 - round(value * 1000)) < 1e-3, f"{path}: {value!r} is not whole milliseconds"
    else:
        raise AssertionError(f"{path}: what is a {kind}?")
