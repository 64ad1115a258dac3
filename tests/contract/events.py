"""The lines of recorded watches, tried by jsonschema on docs/events.schema.json: as it is, and with no member and no word but
those that it names, for it lets readers expect others."""

import copy
import json
import pathlib
import sys

import jsonschema

schema, *recordings = (pathlib.Path(name) for name in sys.argv[1:])
schema = json.loads(schema.read_text())
Validator = jsonschema.Draft202012Validator
Validator.check_schema(schema)


def closed(schema):
    """Without the way out that open sets of words have, and without members that nothing names."""
    schema = copy.deepcopy(schema)
    # These add to a shape that is closed itself.
    parts = {case["then"]["$ref"] for shape in [schema, *schema["$defs"].values()] for case in shape.get("allOf", [])}

    def shapes(value):
        if isinstance(value, dict):
            yield value
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
            yield from shapes(item)

    for shape in list(shapes(schema)):
        if "enum" in (shape.get("anyOf") or [{}])[0]:
            shape["anyOf"] = shape["anyOf"][:1]
    for name, shape in [("", schema), *schema["$defs"].items()]:
        if "properties" in shape and f"#/$defs/{name}" not in parts:
            shape["unevaluatedProperties"] = False
    return schema


open_, closed_ = Validator(schema), Validator(closed(schema))
wrong, types = [], set()
for recording in recordings:
    for line in recording.read_text().splitlines():
        event = json.loads(line)
        types.add(event["type"])
        for validator in (open_, closed_):
            wrong += [f"{recording.name}: {error.json_path}: {error.message}\n{line}" for error in validator.iter_errors(event)]
        # What a later release may add is no fault of a line, and what is missing or of another kind is.
        more = {**event, "new": 1}
        if not open_.is_valid(more) or closed_.is_valid(more):
            wrong.append(f"a member that is new: {line}")
        for name in event.keys() - {"region", "type"}:
            if open_.is_valid({**event, name: [{}]}):
                wrong.append(f"{name} may be anything: {line}")
if not open_.is_valid({"v": 1, "seq": 0, "ts": "2026-11-23T02:08:15.000Z", "type": "new", "deployment": "", "new": 1}):
    wrong.append("a type that is new")
print(" ".join(sorted(types)))
sys.exit("\n".join(wrong) or 0)
