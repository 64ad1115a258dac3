"""Clients of boto3 that hold every answer of the sandbox against botocore's model of the service.

botocore itself drops what it does not know; this looks at the bytes before botocore does.
"""

import json
import re

import boto3

# Errors that any call may get; the model does not list them.
COMMON = {
    "AccessDeniedException",
    "InvalidSignatureException",
    "SerializationException",
    "UnknownOperationException",
}

called = set()


def client():
    """A CodeDeploy client that checks what it is told."""
    session = boto3.Session()
    session._session.register("before-parse.codedeploy", check_answer)
    return session.client("codedeploy")


def refused(code, call, **arguments):
    """The message of a call that must be refused with `code`."""
    try:
        answer = call(**arguments)
    except Exception as error:
        response = getattr(error, "response", None)
        if response is None:
            raise
        assert response["Error"]["Code"] == code, response["Error"]
        return response["Error"]["Message"]
    raise AssertionError(f"{code} expected: {answer}")


def check_answer(operation_model, response_dict, **_):
    name, status, headers = operation_model.name, response_dict["status_code"], response_dict["headers"]
    called.add(name)
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-amzn-RequestId"]), name
    assert headers["Content-Type"] == "application/x-amz-json-1.1", name
    assert headers["Date"], name
    body = response_dict["body"]
    if status != 200:
        check_error(operation_model, json.loads(body), status)
    elif operation_model.output_shape is None:
        assert body == b"", f"{name} has no output: {body}"
    else:
        check(operation_model.output_shape, json.loads(body), name)


def check_error(operation_model, body, status):
    assert set(body) == {"__type", "message"}, body
    modelled = {shape.name for shape in operation_model.error_shapes}
    assert body["__type"] in modelled | COMMON, f"{operation_model.name} has no {body['__type']}"
    assert body["__type"] in COMMON or status == 400, (status, body)


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
    elif kind == "timestamp":
        assert isinstance(value, (int, float)) and not isinstance(value, bool), f"{path}: {value!r}"
        assert abs(value * 1000 - round(value * 1000)) < 1e-3, f"{path}: {value!r} is not whole milliseconds"
    else:
        raise AssertionError(f"{path}: what is a {kind}?")
