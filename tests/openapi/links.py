"""links.py OPENAPI.json URL KEY MODEL: follows each link of the document once, in its order.

What a link comes from is done anew for each, so that nothing depends on the links before it. Its
parameters are read from the reply as it says, and the request that it leads to must be taken, with
a reply as its schema says; or be refused, if it is one of REFUSED. (schemathesis follows links by
chance, and not the same ones each time: what grud answers is a part of its dice.)
"""

import itertools
import json
import re
import sys
import urllib.error
import urllib.request

import jsonschema

document_path, BASE, KEY, model_path = sys.argv[1:]
with open(document_path, encoding="utf-8") as file:
    DOCUMENT = json.load(file)
with open(model_path, "rb") as file:
    MODEL_FILE = file.read()
ROW = [21.4, 0.55]
PUMP = {"model": "weather", "session": "pump-7"}  # which run.sh has had take readings
OPERATIONS = {operation["operationId"]: (method, path, operation)
              for path, item in DOCUMENT["paths"].items()
              for method, operation in item.items() if "operationId" in operation}

# What the state that a link comes from cannot do, whatever grud it is: status and code.
ACTIVE = (409, "version_active")  # a model's reply names its active version
CONFLICT = (409, "job_status_conflict")
REFUSED = {
    ("put_model", "delete_model_version"): ACTIVE,
    ("post_model_version_activate", "delete_model_version"): ACTIVE,
    ("post_fine_tuning_jobs", "post_fine_tuning_job_resume"): CONFLICT,  # it is not paused
    ("post_fine_tuning_job_cancel", "post_fine_tuning_job_pause"): CONFLICT,  # it has ended
    ("post_fine_tuning_job_cancel", "post_fine_tuning_job_resume"): CONFLICT,
}

numbers = itertools.count()


def body_of(operation_id):
    """A body that is taken; None: the operation has none."""
    return {
        "put_model": lambda: MODEL_FILE,
        "put_model_session": lambda: call("get_model_session", **PUMP)[1],
        "post_model_session_step": lambda: {"x": ROW},
        "post_model_session_forecast": lambda: {"horizon": 3},
        "post_model_session_fork": lambda: {"to": f"fork-{next(numbers)}"},
        "post_model_steps": lambda: {"steps": [{"session": f"many-{next(numbers)}", "x": ROW}]},
        "post_model_predict": lambda: {"x": [ROW] * 3},
        "post_model_evaluate": lambda: {"x": [ROW] * 12, "horizon": 2},
        "put_model_rule": lambda: {
            "prefix": "none-", "anomaly": True, "p_value": 0.001,
            "url": "https://hooks.invalid/grud"},
        "post_fine_tuning_jobs": lambda: {
            "model": "weather", "training": {"sessions_prefix": "pump-"},
            "hyperparameters": {"n_epochs": 10000, "early_stopping_patience": None}},
    }.get(operation_id, lambda: None)()


def call(operation_id, **parameters):
    """(status, reply or None) of the operation. Of a stream that goes on, the reply is not read."""
    method, path, _ = OPERATIONS[operation_id]
    path = re.sub(r"\{(\w+)\}", lambda name: str(parameters.pop(name[1])), path)
    assert not parameters, f"{operation_id} has no parameter {parameters}"
    body = body_of(operation_id)
    is_file = isinstance(body, bytes)
    kind = "application/octet-stream" if is_file else "application/json"
    request = urllib.request.Request(
        BASE + path, None if body is None else body if is_file else json.dumps(body).encode(),
        {"authorization": f"Bearer {KEY}", "content-type": kind}, method=method.upper())
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            is_json = reply.headers.get_content_type() == "application/json"
            return reply.status, json.loads(reply.read()) if is_json else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def source_parameters(operation_id, status):
    """Parameters with which the operation answers so."""
    session = {"model": "weather", "session": f"link-{next(numbers)}"}
    if operation_id == "put_model":
        return {"model": "linked"}
    if operation_id == "post_model_version_activate":
        return {"model": "linked", "version": 1}
    if operation_id == "post_model_session_fork":
        return PUMP
    if operation_id == "put_model_rule":
        rule = {"model": "weather", "rule": f"link-{next(numbers)}"}
        if status == 200:
            call("put_model_rule", **rule)
        return rule
    if operation_id == "put_model_session" and status == 200:
        call("post_model_session_step", **session)
    if operation_id.startswith("post_fine_tuning_job_"):
        _, job = call("post_fine_tuning_jobs")
        if operation_id.endswith("_resume"):
            call("post_fine_tuning_job_pause", id=job["id"])
        return {"id": job["id"]}
    return {} if operation_id == "post_fine_tuning_jobs" else session


def value_of(expression, parameters, reply):
    if expression.startswith("$request.path."):
        return parameters[expression.removeprefix("$request.path.")]
    value = reply
    for name in expression.removeprefix("$response.body#/").split("/"):
        value = value[name]
    return value


def check_reply(operation_id, status, reply):
    media = OPERATIONS[operation_id][2]["responses"][str(status)].get("content", {})
    schema = media.get("application/json", {}).get("schema")
    if reply is not None:
        schema = dict(schema, components=DOCUMENT["components"])
        jsonschema.Draft202012Validator(schema).validate(reply)


def follow(source, status, link):
    """Whether what the link leads to was taken."""
    parameters = source_parameters(source, status)
    found, reply = call(source, **parameters)
    assert found == status, f"{source} answers {found}, not {status}: {reply}"
    target = link["operationId"]
    given = {name: value_of(expression, parameters, reply)
             for name, expression in link["parameters"].items()}
    found, answer = call(target, **given)
    if source.startswith("post_fine_tuning_job"):
        call("post_fine_tuning_job_cancel", id=reply["id"])
    refusal = REFUSED.get((source, target))
    if refusal:
        told = (found, answer.get("error", {}).get("code"))
        assert told == refusal, f"{source} -> {target}: {told}, not {refusal}"
    else:
        assert 200 <= found < 300, f"{source} -> {target}: {found} {answer}"
    check_reply(target, found, answer)
    return not refusal


taken = [follow(source, int(status), link)
         for source, (_, _, operation) in OPERATIONS.items()
         for status, reply in operation["responses"].items()
         for link in reply.get("links", {}).values()]
assert len(taken) > len(REFUSED), "the document has no links"
print(f"{len(taken)} of {len(taken)} links followed: {sum(taken)} requests taken, "
      f"{len(taken) - sum(taken)} refused as they must be")
