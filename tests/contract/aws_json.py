"""The AWS CLI, once for many calls: an operation's command and its request a line in, what it prints a line out."""

import contextlib
import io
import json
import sys

from awscli.clidriver import create_clidriver

driver = create_clidriver()
for line in sys.stdin:
    command, request = json.loads(line)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        arguments = ["deploy", command, "--output", "json", "--cli-input-json", json.dumps(request)]
        code = driver.main(arguments)
    assert code == 0, (command, code)
    print(json.dumps(json.loads(out.getvalue())), flush=True)
