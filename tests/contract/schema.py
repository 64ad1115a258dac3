"""The JSON Schemas that cdctl prints, tried by jsonschema on AppSpec files that the checks know as right or wrong."""

import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema
import yaml

cdctl, appspecs = sys.argv[1:]


def ask(*words):
    return json.loads(subprocess.run([cdctl, "revision", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


schemas = {}
for platform in [None, "server", "linux", "windows", "lambda", "ecs"]:
    schema = ask("schema", *(["--platform", platform] if platform else []))
    jsonschema.Draft7Validator.check_schema(schema)
    schemas[platform] = jsonschema.Draft7Validator(schema)

wrong = []
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder, "appspec.yml")
    for case in yaml.safe_load(pathlib.Path(appspecs).read_text()):
        file.write_text(case["text"])
        findings = ask("validate", str(file), "--platform", case["for"], "--allow-placeholders", "-o", "json")["findings"]
        checked = all(finding["severity"] == "note" for finding in findings)
        value = yaml.safe_load(case["text"])
        names = [case["for"], None] + (["server"] if case["for"] in ("linux", "windows") else [])
        verdicts = {str(name): schemas[name].is_valid(value) for name in names}
        if checked != case["right"] or any(verdict != case["right"] for verdict in verdicts.values()):
            wrong.append(f"{case['text']}\nright: {case['right']}, checks: {checked}, schemas: {verdicts}\n")
sys.exit("\n".join(wrong) or 0)
