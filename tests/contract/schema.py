"""The JSON Schemas that cdctl prints, tried by jsonschema on AppSpec files that the checks know as right or wrong, and on
those of a folder with verdicts where one is named: a file that the checks have nothing against must be right by them too."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

cdctl, appspecs, *corpus = sys.argv[1:]


def ask(*words):
    return json.loads(subprocess.run([cdctl, "revision", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it."""


Core.yaml_implicit_resolvers = {}
for tag, form, first in [
    ("bool", "true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", "[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?([.][0-9]+|[0-9]+([.][0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]:
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^({form})$"), list(first))
Core.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))

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
        value = yaml.load(case["text"], Loader=Core)
        names = [case["for"], None] + (["server"] if case["for"] in ("linux", "windows") else [])
        verdicts = {str(name): schemas[name].is_valid(value) for name in names}
        if checked != case["right"] or any(verdict != case["right"] for verdict in verdicts.values()):
            wrong.append(f"{case['text']}\nright: {case['right']}, checks: {checked}, schemas: {verdicts}\n")

for file in sorted(file for folder in corpus for file in pathlib.Path(folder).glob("*/*") if file.suffix != ".tsv"):
    report = ask("validate", str(file), "--allow-placeholders", "-o", "json")
    if all(finding["severity"] == "note" for finding in report["findings"]):
        value = next(yaml.load_all(file.read_text(encoding="utf-8-sig"), Loader=Core))
        wrong += [f"{file}: {error.message[:200]}\n" for error in schemas[None].iter_errors(value)]
sys.exit("\n".join(wrong) or 0)
