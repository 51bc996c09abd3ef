"""examples.py OPENAPI.json: each JSON body and reply of the document has an example, and the example
is what its schema says."""

import json
import sys

import jsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)

n_checked = 0


def check(where, content):
    global n_checked
    media = content.get("application/json")
    if media is None or where.split()[-1][0] in "45":  # an error's example is that of its schema
        return
    schema = dict(media["schema"], components=document["components"])
    if "example" not in media:
        sys.exit(f"{where} has no example")
    try:
        jsonschema.Draft202012Validator(schema).validate(media["example"])
    except jsonschema.ValidationError as error:
        sys.exit(f"the example of {where} is not what its schema says: {error.message}")
    n_checked += 1


for path, item in document["paths"].items():
    for method, operation in item.items():
        check(f"{method} {path} body", operation.get("requestBody", {}).get("content", {}))
        for status, reply in operation["responses"].items():
            check(f"{method} {path} {status}", reply.get("content", {}))
print(f"{n_checked} examples fit their schemas")
